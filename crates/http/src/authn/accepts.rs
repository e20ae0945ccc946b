//! What an operation takes as proof of who asks.

/// The credentials that an operation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// None; none is looked at.
    Nothing,
    /// Those of the operations that existing clients know: tokens, and the session cookie where `session=cookie` asks for it.
    Token,
    /// A bearer alone: what makes the next credential out of one, and stands for nobody itself.
    Bearer,
    /// Tokens, and where there is none the session cookie.
    TokenOrCookie,
    /// The same, and session handles.
    TokenHandleOrCookie,
    /// The session cookie alone, from wherever a person comes: for pages, which change nothing.
    CookieOfPage,
}
