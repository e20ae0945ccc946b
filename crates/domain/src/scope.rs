//! Scopes: the names of permissions that a credential lends, and a few words that mean something else.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

const MAX_SCOPE: usize = 64;
const MAX_SCOPES: usize = 50;

/// Why a text is no scope, or a list no list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// It is not a scope-token of RFC 6749 section 3.3 of a length that a database keeps, or has a comma.
    #[error(
        "a scope has 1 to 64 visible ASCII characters, without quotation marks, backslashes and commas: {0:?}"
    )]
    Form(String),
    /// There are too many of them.
    #[error("at most {MAX_SCOPES} scopes may be named")]
    TooMany,
}

/// A scope: the name of a permission that is lent, or a reserved word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(String);

impl Scope {
    /// Who the person is.
    pub const PROFILE: &str = "profile";
    /// Who the person is, in OpenID Connect.
    pub const OPENID: &str = "openid";
    /// The verified address of the person.
    pub const EMAIL: &str = "email";
    /// Everything that the owner may do, roles included.
    pub const PERMISSIONS: &str = "permissions";
    /// What is lent goes on after its session.
    pub const OFFLINE_ACCESS: &str = "offline_access";
    /// May have tokens for its services introspected.
    pub const INTROSPECT: &str = "introspect";
    /// May have requests that are signed for its services verified.
    pub const VERIFY_OAUTH1: &str = "oauth1:verify";

    /// Words that lend no permission of their name.
    const RESERVED: [&str; 7] = [
        Self::PROFILE,
        Self::OPENID,
        Self::EMAIL,
        Self::PERMISSIONS,
        Self::OFFLINE_ACCESS,
        Self::INTROSPECT,
        Self::VERIFY_OAUTH1,
    ];

    /// Takes a scope-token of RFC 6749 section 3.3 without a comma, of at most 64 bytes. Headers separate scopes by commas.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,".contains(&byte);
        let fits = (1..=MAX_SCOPE).contains(&text.len()) && text.bytes().all(is_allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(ScopeError::Form(shortened(text))) }
    }

    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the word has a meaning of its own, so that it lends no permission of its name.
    pub fn is_reserved(&self) -> bool {
        Self::RESERVED.contains(&self.as_str())
    }

    /// Whether its holder judges the tokens of others: for role accounts alone, and only as an administrator decides.
    pub fn judges_others(&self) -> bool {
        [Self::INTROSPECT, Self::VERIFY_OAUTH1].contains(&self.as_str())
    }
}

/// As much of a text as an error may repeat.
fn shortened(text: &str) -> String {
    text.chars().take(MAX_SCOPE).collect()
}

impl Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// At most 50 scopes, each once, in the order of their bytes. None at all lends nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Reads words that are separated by spaces, as [`Display`](fmt::Display) writes them.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::from_words(text.split(' ').filter(|word| !word.is_empty()))
    }

    /// Reads a list of words.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        let mut scopes = BTreeSet::new();
        for word in words {
            scopes.insert(Scope::parse(word)?);
            if scopes.len() > MAX_SCOPES {
                return Err(ScopeError::TooMany);
            }
        }
        Ok(Self(scopes))
    }

    /// Whether this word is among them.
    pub fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Whether the permission of this name is lent: by `permissions`, or by its own word, which must not be a reserved one.
    pub fn lends(&self, permission: &str) -> bool {
        self.contains(Scope::PERMISSIONS) || self.0.get(permission).is_some_and(|scope| !scope.is_reserved())
    }

    /// Whether `others` has no word that is not among these.
    pub fn cover(&self, others: &Self) -> bool {
        others.0.is_subset(&self.0)
    }

    /// The words that both have.
    #[must_use]
    pub fn intersection(&self, others: &Self) -> Self {
        Self(self.0.intersection(&others.0).cloned().collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::text_list::write_separated_by_spaces(formatter, self.0.iter().map(Scope::as_str))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn a_scope_is_a_scope_token_without_a_comma() {
        for good in ["read", "oauth1:verify", "https://example.com/scope", "!", "a~", &"x".repeat(64)] {
            assert_eq!(Scope::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a,b", "a\"b", "a\\b", "ä", "a\t", "\u{7f}", &"x".repeat(65)] {
            assert!(matches!(Scope::parse(bad), Err(ScopeError::Form(_))), "{bad:?}");
        }
    }

    #[test]
    fn an_error_names_the_word_within_bounds() {
        let text = Scope::parse(&"ä".repeat(1_000_000)).unwrap_err().to_string();
        assert!(text.contains("ää") && text.len() < 500, "{} bytes", text.len());
    }

    #[test]
    fn scopes_are_a_set_with_one_text() {
        assert_eq!(scopes(" write  read write ").to_string(), "read write");
        assert_eq!((scopes("").to_string(), scopes("").is_empty()), (String::new(), true));
        assert_eq!(scopes("read write").len(), 2);
        assert!(Scopes::from_words(["a b"]).is_err(), "a list has one word in each place");
    }

    #[test]
    fn there_are_fifty_of_them_at_most() {
        let words = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(Scopes::parse(&words(50)).unwrap().len(), 50);
        assert_eq!(Scopes::parse(&words(51)), Err(ScopeError::TooMany));
        assert_eq!(Scopes::parse(&"a ".repeat(100)).unwrap().len(), 1, "each counts once");
    }

    #[test]
    fn h13_a_reserved_word_lends_no_permission_of_its_name() {
        let reserved = scopes("profile openid email offline_access introspect oauth1:verify");
        for word in reserved.iter().map(Scope::as_str) {
            assert!(!reserved.lends(word), "{word}");
        }
        assert!(scopes("read").lends("read") && !scopes("read").lends("write"));
        assert!(scopes("permissions").lends("anything") && scopes("permissions").lends("email"));
    }

    #[test]
    fn two_words_judge_others() {
        let judging: Vec<_> =
            Scope::RESERVED.into_iter().filter(|word| Scope(String::from(*word)).judges_others()).collect();
        assert_eq!(judging, ["introspect", "oauth1:verify"]);
    }

    fn any_scopes() -> impl Strategy<Value = Scopes> {
        let words =
            prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "permissions", "email"]), 0..5);
        words.prop_map(|words| Scopes::from_words(words).unwrap())
    }

    proptest! {
        #[test]
        fn scopes_read_back_from_their_text(words in prop::collection::vec("[!#-+.-\\[\\]-~--]{1,64}", 0..50)) {
            let scopes = Scopes::from_words(words.iter().map(String::as_str)).unwrap();
            prop_assert_eq!(Scopes::parse(&scopes.to_string()).unwrap(), scopes);
        }

        #[test]
        fn h13_what_two_lists_share_is_covered_by_both(one in any_scopes(), other in any_scopes()) {
            let both = one.intersection(&other);
            prop_assert!(one.cover(&both) && other.cover(&both));
            prop_assert_eq!(one.cover(&other), one.intersection(&other) == other);
        }
    }
}
