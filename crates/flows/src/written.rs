//! Answers that are written once.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

/// An answer as it was written the first time, kept with what it tells. `Debug` does not show it: there are tokens in it.
#[derive(Default)]
pub struct Written(OnceLock<Bytes>);

impl Written {
    /// The answer; it is written if it was not yet. Has to be the same whoever writes it.
    pub fn or_write(&self, write: impl FnOnce() -> Bytes) -> Bytes {
        self.0.get_or_init(write).clone()
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Written(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n1_an_answer_is_written_once_and_never_shown() {
        let written = Written::default();
        for text in ["secret", "other"] {
            assert_eq!(written.or_write(|| text.into()), "secret");
        }
        assert!(!format!("{written:?}").contains("secret"));
    }
}
