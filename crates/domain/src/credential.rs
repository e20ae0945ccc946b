//! What a request proves itself with.

/// The kind of a credential. The text of one never leaves the room that looks at it; its kind may be logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// The session cookie of a browser, which stands for the whole person.
    BrowserCookie,
    /// A user token, which belongs to a sign-in session and stands for the whole person.
    UserToken,
    /// A session handle, by which the backend of an app reaches the session of somebody who came to the app, and nothing else.
    SessionHandle,
    /// A token that a person made. It lends a part of what the person may do.
    PersonalToken,
    /// A token of a role account. It lends a part of what the role account may do.
    RoleToken,
    /// An access token of a program. It lends a part of what the person who lent it may do.
    AccessToken,
    /// A bearer token that a token handler knows. It lends what the handler says.
    HandlerToken,
}

impl CredentialKind {
    /// For logs, labels of metrics and plugins.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrowserCookie => "browser_cookie",
            Self::UserToken => "user_token",
            Self::SessionHandle => "session_handle",
            Self::PersonalToken => "personal_token",
            Self::RoleToken => "role_token",
            Self::AccessToken => "access_token",
            Self::HandlerToken => "handler_token",
        }
    }
}
