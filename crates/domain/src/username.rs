//! Usernames: chosen once, unique without regard to case, plain ASCII.

use std::fmt;

use thiserror::Error;

use crate::looks_like_user_id;

/// Why a text cannot be a username. The texts are shown to the person who chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UsernameError {
    /// Does not match `^[a-z0-9][a-z0-9_-]{1,31}$` after lower-casing.
    #[error(
        "a username has 2 to 32 letters, digits, hyphens or underscores, and starts with a letter or digit"
    )]
    Form,
    /// A name that people would take for the service or its staff, or for the id of a user.
    #[error("this username is reserved")]
    Reserved,
}

/// Names that would pass for the service itself or a path of a website, without hyphens and underscores.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "anonymous",
    "api",
    "app",
    "apps",
    "auth",
    "authorize",
    "billing",
    "callback",
    "check",
    "contact",
    "daemon",
    "dev",
    "docs",
    "email",
    "everybody",
    "everyone",
    "false",
    "ftp",
    "guest",
    "health",
    "healthz",
    "help",
    "info",
    "login",
    "logout",
    "mail",
    "me",
    "metrics",
    "mod",
    "nobody",
    "noc",
    "none",
    "noreply",
    "null",
    "oauth",
    "openapi",
    "owner",
    "profile",
    "public",
    "readyz",
    "register",
    "self",
    "service",
    "session",
    "sessions",
    "settings",
    "signin",
    "signout",
    "signup",
    "ssladmin",
    "static",
    "status",
    "sudo",
    "sys",
    "team",
    "test",
    "token",
    "tokens",
    "true",
    "undefined",
    "user",
    "username",
    "users",
    "wellknown",
    "www",
    "you",
];

/// Names of whoever people obey or confide in. Reserved also in the plural, with a number behind them, and with digits in place of
/// letters.
const STAFF: &[&str] = &[
    "admin",
    "administrator",
    "helpdesk",
    "hostmaster",
    "moderator",
    "official",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "superuser",
    "support",
    "sysadmin",
    "sysop",
    "system",
    "vestibule",
    "webmaster",
];

const MIN_LENGTH: usize = 2;
const MAX_LENGTH: usize = 32;

/// A username in its canonical form, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// Takes what a person typed. Only ASCII letters are lower-cased: other letters whose lower case falls into ASCII
    /// (the Kelvin sign, the dotted capital I) are refused, so that no two inputs that look apart become one name.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let name = Self::from_stored(&text.to_ascii_lowercase())?;
        if is_reserved(name.as_str()) || looks_like_user_id(name.as_str()) {
            return Err(UsernameError::Reserved);
        }
        Ok(name)
    }

    /// Takes back what was stored. A name that has been reserved since it was chosen stays its owner's.
    pub fn from_stored(text: &str) -> Result<Self, UsernameError> {
        let form = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if form { Ok(Self(text.to_owned())) } else { Err(UsernameError::Form) }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a name in canonical form would pass for one of the lists above.
fn is_reserved(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    let word = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_staff = |word: &str| STAFF.iter().any(|name| look(name).eq(look(word)));
    let singular = |word: &str| word.strip_suffix('s').is_some_and(is_staff);
    RESERVED.contains(&letters.as_str())
        || [&letters, word].into_iter().any(|word| is_staff(word) || singular(word))
}

/// How a word looks: digits and the letters that they are taken for are the same.
fn look(word: &str) -> impl Iterator<Item = char> {
    word.chars().map(|c| match c {
        '0' => 'o',
        '1' | 'l' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        other => other,
    })
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn f5_reserved_and_odd_names_are_refused() {
        for reserved in ["admin", "Root", "auth", "api", "NULL", "me", "system", "support"] {
            assert_eq!(Username::parse(reserved), Err(UsernameError::Reserved), "{reserved}");
        }
        for id in
            ["7b6e6cd3cbd1b7b4a1fdb8dc8b7f6a2e", "7B6E6CD3CBD1B7B4A1FDB8DC8B7F6A2E", "0123-4567-89ab_cdef"]
        {
            assert_eq!(Username::parse(id), Err(UsernameError::Reserved), "{id}");
        }
        for like in "admins administrators support1 Support_24 a-d-m-i-n admin-2026 4dm1n \
             r00t r00ts7 5upp0rt officia1 sys-admins no_reply Sign-In well-known"
            .split(' ')
        {
            assert_eq!(Username::parse(like), Err(UsernameError::Reserved), "{like}");
        }
        for other in
            "adam admiral rooter roots-and-wings supporter tester user1 adminton stafford me2".split(' ')
        {
            assert!(Username::parse(other).is_ok(), "{other}");
        }
        let long = "a".repeat(33);
        for odd in [
            "",
            "a",
            "-a",
            "_a",
            "..",
            "a b",
            "a.b",
            "a\0b",
            "a/b",
            "<b>",
            " ada",
            "ada\n",
            ".well-known",
            &long,
        ] {
            assert_eq!(Username::parse(odd), Err(UsernameError::Form), "{odd:?}");
        }
    }

    #[test]
    fn f3_letters_that_only_look_like_ascii_are_refused() {
        for odd in [
            "\u{1d2e}\u{1d35}\u{1d33}",
            "stra\u{df}e",
            "\u{130}stanbul",
            "\u{212a}elvin",
            "\u{ff41}da",
            "ad\u{430}",
            "e\u{301}a",
        ] {
            assert_eq!(Username::parse(odd), Err(UsernameError::Form), "{odd:?}");
        }
    }

    #[test]
    fn a_stored_name_is_taken_back_though_it_is_reserved_now() {
        assert_eq!(Username::from_stored("admin").unwrap().as_str(), "admin");
        let id = "7b6e6cd3cbd1b7b4a1fdb8dc8b7f6a2e";
        assert_eq!(Username::from_stored(id).unwrap().as_str(), id);
        assert_eq!(Username::from_stored("Ada"), Err(UsernameError::Form));
    }

    proptest! {
        #[test]
        fn f3_parsing_is_idempotent_and_gives_plain_ascii(text in "\\PC{0,40}|[A-Za-z0-9_-]{0,40}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()).unwrap(), name.clone());
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'));
                prop_assert!((2..=32).contains(&name.as_str().len()));
            }
        }
    }

    #[test]
    fn a_username_has_2_to_32_characters_and_is_shown_in_lower_case() {
        for (typed, name) in [("a1", "a1"), ("Ada_L-1", "ada_l-1"), ("7z", "7z")] {
            assert_eq!(Username::parse(typed).unwrap().to_string(), name);
        }
        assert_eq!(Username::parse(&"x".repeat(32)).unwrap().as_str().len(), 32);
    }
}
