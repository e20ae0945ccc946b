//! What an opaque secret is for.

/// What an opaque secret is for. Its letter stands in the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpaqueKind {
    /// A token that a person made.
    PersonalToken,
    /// A token of a role account.
    RoleToken,
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// The secret of a client.
    ClientSecret,
    /// Kept for the registration of clients.
    Registration,
    /// The code of a device that waits for a person.
    DeviceCode,
    /// An authorization code.
    AuthorizationCode,
}

impl OpaqueKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::PersonalToken,
        Self::RoleToken,
        Self::AccessToken,
        Self::RefreshToken,
        Self::ClientSecret,
        Self::Registration,
        Self::DeviceCode,
        Self::AuthorizationCode,
    ];

    /// The letter in its secrets.
    pub const fn letter(self) -> u8 {
        match self {
            Self::PersonalToken => b'p',
            Self::RoleToken => b'r',
            Self::AccessToken => b'a',
            Self::RefreshToken => b'f',
            Self::ClientSecret => b'c',
            Self::Registration => b'i',
            Self::DeviceCode => b'd',
            Self::AuthorizationCode => b'o',
        }
    }

    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}
