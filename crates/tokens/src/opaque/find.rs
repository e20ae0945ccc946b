//! Secrets within other texts, such as a log that has leaked.

use super::{LENGTH, OpaqueText, PREFIX};

/// Every secret that stands somewhere in a text, whatever is around it: its checksum tells it from what only looks like one. Bytes
/// that are no text are passed over.
pub fn find_secrets(text: &[u8]) -> impl Iterator<Item = OpaqueText<'_>> {
    text.windows(LENGTH)
        .filter(|window| window.starts_with(PREFIX))
        .filter_map(|window| OpaqueText::parse_bytes(window).ok())
}
