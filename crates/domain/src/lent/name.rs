//! What a person calls a token.

use std::fmt;

use thiserror::Error;

use crate::DisplayName;

const MAX_CHARS: usize = 64;

/// A text that cannot be the name of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the name of a token has 1 to {MAX_CHARS} characters, none of them invisible, and no space at an end"
)]
pub struct TokenNameError;

/// What a person calls a token, to know it again: text in any script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// Takes 1 to 64 characters that are shown as they are.
    pub fn parse(text: &str) -> Result<Self, TokenNameError> {
        let is_shown_as_it_is = DisplayName::clean(text).is_some_and(|clean| clean.as_str() == text);
        let fits = is_shown_as_it_is && text.chars().count() <= MAX_CHARS;
        if fits { Ok(Self(text.to_owned())) } else { Err(TokenNameError) }
    }

    /// The text itself; still to be escaped wherever it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_name_that_is_shown_as_it_is() {
        for good in ["x", "backup on the laptop", "Sicherung für Ada", "نسخه\u{200c}ها", &"ä".repeat(64)]
        {
            assert_eq!(TokenName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", " x", "x ", "a\nb", "a\u{202e}b", "a\0", &"x".repeat(65), &"x".repeat(1_000_000)]
        {
            assert_eq!(TokenName::parse(bad), Err(TokenNameError));
        }
    }
}
