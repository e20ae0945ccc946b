//! What an operation takes as proof of who asks.

/// The credentials that an operation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// None; none is looked at.
    Nothing,
    /// A user token.
    UserToken,
}
