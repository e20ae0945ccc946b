//! What a request proves itself with.

/// The kind of a credential. The text of one never leaves the room that looks at it; its kind may be logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A user token, which belongs to a sign-in session and stands for the whole person.
    UserToken,
}
