//! Lists that are kept as one text.

use std::fmt::{Formatter, Result, Write as _};

/// Writes the words with one space between each two.
pub(crate) fn write_separated_by_spaces<'a>(
    formatter: &mut Formatter<'_>,
    words: impl Iterator<Item = &'a str>,
) -> Result {
    for (place, word) in words.enumerate() {
        if place > 0 {
            formatter.write_char(' ')?;
        }
        formatter.write_str(word)?;
    }
    Ok(())
}
