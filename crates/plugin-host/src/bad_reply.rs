//! Why a reply is refused.

use thiserror::Error;

/// Why a reply is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadReply {
    /// More than 64 KiB.
    #[error("it is larger than 64 KiB")]
    TooLarge,
    /// More than one.
    #[error("it was given twice")]
    Several,
    /// Not text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Not JSON (RFC 8259).
    #[error("it is not JSON")]
    NotJson,
    /// A number, an array.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// More than 32 levels.
    #[error("it is nested deeper than 32 levels")]
    TooDeep,
    /// Two members of one name in one object.
    #[error("an object in it has two members of one name")]
    DuplicateMember,
}
