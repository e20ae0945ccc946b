//! Identifiers, each of a type of its own so that one cannot stand where another belongs.

use std::fmt;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{EmailAddress, SecureRandom};

/// A text that is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an identifier: 1 to 128 visible ASCII characters are expected")]
pub struct IdError;

const MAX_ID_LENGTH: usize = 128;
const RANDOM_ID_BYTES: usize = 16;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new one, of 128 random bits in hexadecimal.
            pub fn random(randomness: &dyn SecureRandom) -> Self {
                Self(hex::encode(randomness.bytes::<RANDOM_ID_BYTES>()))
            }

            /// Takes a text of 1 to 128 visible ASCII characters.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                let fits = (1..=MAX_ID_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                if fits { Ok(Self(text)) } else { Err(IdError) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A user of ours. Stable for ever; what services store.
    UserId
}
identifier! {
    /// A sign-in session: what a user token is tied to by its `sid` claim.
    SessionId
}
identifier! {
    /// One attempt to sign in, from the redirect to a provider until the callback spends it.
    AttemptId
}
identifier! {
    /// An assignment of a role.
    RoleAssignmentId
}
identifier! {
    /// A token of a person or a role account.
    ApiTokenId
}
identifier! {
    /// What a person lent to a program.
    GrantId
}
identifier! {
    /// The `jti` claim of a token (RFC 7519 section 4.1.7).
    TokenId
}

impl UserId {
    /// The id that dgp-oauth2 gave to the holder of this address: the MD5 of its bytes, in hexadecimal.
    ///
    /// MD5 serves compatibility here, not security: an attacker who makes two addresses collide has to get
    /// both verified by a provider, and the unique key on users refuses the second.
    pub fn from_email_md5(email: &EmailAddress) -> Self {
        Self(hex::encode(Md5::digest(email.as_str().as_bytes())))
    }
}

/// So many hexadecimal digits are more than a word or a name has, and no more than any scheme of ids gives.
const DIGITS_OF_AN_ID: usize = 16;

/// Whether a text looks like the id of a user, by whatever scheme: 16 hexadecimal digits or more, in either case of letters,
/// and nothing else but hyphens and underscores.
pub fn looks_like_user_id(text: &str) -> bool {
    let mut digits = text.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    digits.clone().count() >= DIGITS_OF_AN_ID && digits.all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5_scheme_gives_the_ids_of_the_original() {
        let email = EmailAddress::parse("fakey@mcfakerson.com").unwrap();
        assert_eq!(UserId::from_email_md5(&email).as_str(), "f2fe87a020ae126cd776ad503486a65e");
    }

    #[test]
    fn f5_the_ids_of_every_scheme_look_like_ids_in_any_case_and_with_hyphens() {
        let email = EmailAddress::parse("boss@corp.example").unwrap();
        for id in [UserId::random(&crate::SystemRandom), UserId::from_email_md5(&email)] {
            let id = id.as_str();
            let (first, second) = id.split_at(16);
            for text in
                [id, &id.to_ascii_uppercase(), &format!("{first}-{second}"), first, &format!("_{id}_")]
            {
                assert!(looks_like_user_id(text), "{text}");
            }
        }
        for name in
            ["deadbeef", "decade-facade", "0123456789", "ada", "", "----------------", "0123456789abcdeg"]
        {
            assert!(!looks_like_user_id(name), "{name}");
        }
    }

    #[test]
    fn an_id_is_visible_ascii_of_bounded_length() {
        assert!(UserId::parse("a").is_ok());
        assert!(UserId::parse(&"x".repeat(128)).is_ok());
        for bad in ["", " ", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert_eq!(UserId::parse(bad), Err(IdError), "{bad:?}");
        }
    }

    struct Counting;

    impl SecureRandom for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
        }
    }

    #[test]
    fn a_random_id_is_128_bits_of_the_source_in_hexadecimal() {
        assert_eq!(UserId::random(&Counting).as_str(), "000102030405060708090a0b0c0d0e0f");
    }

    #[test]
    fn an_id_is_shown_and_stored_as_its_text() {
        let id = SessionId::parse("s-1").unwrap();
        assert_eq!(format!("{id} {id:?}"), "s-1 s-1");
        assert_eq!(String::from(id), "s-1");
    }

    #[test]
    fn sixteen_digits_look_like_an_id_and_fifteen_do_not() {
        assert!(looks_like_user_id("0123456789abcdef"));
        assert!(!looks_like_user_id("0123456789abcde"));
        assert!(!looks_like_user_id("0123456789abcde-_-"), "hyphens are no digits");
    }
}
