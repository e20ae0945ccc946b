//! Why an operation has no answer.

use std::fmt;

use vestibule_plugin_abi::code;

/// What an operation gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation has no answer. The texts are for the operator's log: put no secrets and no personal data in them.
///
/// ```
/// use vestibule_plugin_sdk::{Error, Result};
///
/// fn read(file: &str) -> Result<String> {
///     // The file comes back when the deployment is through, so clients are told to try later.
///     std::fs::read_to_string(file).map_err(|error| Error::retry(format!("the roles: {error}")))
/// }
/// assert!(matches!(read("/does/not/exist"), Err(Error::Retry(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It may work later: a database is away, a limit is reached.
    Retry(String),
    /// The user is refused. Heeded only where the operator allows this plugin to deny.
    Deny(String),
    /// This plugin has nothing to say about this user. For a hook that means no change; a permission provider that
    /// has no opinion gives no token.
    NoOpinion,
    /// It will not work until it is repaired.
    Fatal(String),
}

impl Error {
    /// [`Error::Retry`] with the text of `reason`.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::Retry(reason.to_string())
    }

    /// [`Error::Deny`] with the text of `reason`.
    pub fn deny(reason: impl fmt::Display) -> Self {
        Self::Deny(reason.to_string())
    }

    /// [`Error::Fatal`] with the text of `reason`.
    pub fn fatal(reason: impl fmt::Display) -> Self {
        Self::Fatal(reason.to_string())
    }

    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Retry(_) => code::RETRY,
            Self::Deny(_) => code::DENY,
            Self::NoOpinion => code::NO_OPINION,
            Self::Fatal(_) => code::FATAL,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Retry(text) | Self::Deny(text) | Self::Fatal(text) => text,
            Self::NoOpinion => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(text) => write!(formatter, "try again later: {text}"),
            Self::Deny(text) => write!(formatter, "denied: {text}"),
            Self::NoOpinion => formatter.write_str("no opinion"),
            Self::Fatal(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// A message of serde without the texts that the operator wrote, one of which may be a secret: serde puts those in double
/// quotes, and the names of fields in backquotes. `create` does so with what is wrong in the configuration itself; for whoever
/// reads further files of the operator.
///
/// ```
/// use vestibule_plugin_sdk::hide_texts;
///
/// let message = r#"invalid type: string "hunter2", expected u64"#;
/// assert_eq!(hide_texts(message), "invalid type: string (text), expected u64");
/// ```
pub fn hide_texts(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let (before, after) = (message.get(..first), message.get(last + 1..));
            format!("{}(text){}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_error_names_the_field_and_hides_the_text() {
        let error = r#"invalid type: string "hunter\"2", expected u64 at line 1 column 9"#;
        assert_eq!(hide_texts(error), "invalid type: string (text), expected u64 at line 1 column 9");
        let error = "unknown field `grantd`, expected `granted`";
        assert_eq!(hide_texts(error), error);
    }
}
