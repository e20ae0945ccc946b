//! What is asked of a new token, and the rules that it is held against.

use std::time::Duration;

use secrecy::SecretString;
use vestibule_domain::{
    ApiToken, ApiTokenKind, LentLimits, Metadata, Scope, SecureRandom, ServiceName, Services, Timestamp,
    TokenName,
};

use super::TokenError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many living tokens a person has at most, and a role account.
const MOST_OF_A_PERSON: u32 = 50;
const MOST_OF_A_ROLE_ACCOUNT: u32 = 20;
/// For how long a token may count beside its successor.
const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRules {
    /// What nobody said anything about.
    pub default_ttl: Duration,
    /// A person's at most.
    pub max_ttl: Duration,
    /// A role account's at most; `None`: it may live for ever.
    pub role_max_ttl: Option<Duration>,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self { default_ttl: DAY * 90, max_ttl: DAY * 366, role_max_ttl: None }
    }
}

impl TokenRules {
    /// The longest life of a token of this kind.
    pub fn longest(&self, kind: ApiTokenKind) -> Option<Duration> {
        match kind {
            ApiTokenKind::Personal => Some(self.max_ttl),
            ApiTokenKind::Role => self.role_max_ttl,
        }
    }

    /// When a token ends that lives so long from now on.
    pub(super) fn end(
        &self,
        kind: ApiTokenKind,
        life: TokenLife,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, TokenError> {
        let longest = self.longest(kind);
        match (life, longest) {
            (TokenLife::Default, None) => Ok(Some(now.plus(self.default_ttl))),
            (TokenLife::Default, Some(longest)) => Ok(Some(now.plus(self.default_ttl.min(longest)))),
            (TokenLife::For(asked), Some(longest)) if asked > longest => Err(TokenError::TooLong(longest)),
            (TokenLife::For(asked), _) if asked < Duration::from_secs(1) => Err(TokenError::TooShort),
            (TokenLife::For(asked), _) => Ok(Some(now.plus(asked))),
            (TokenLife::Never, None) => Ok(None),
            (TokenLife::Never, Some(_)) if kind == ApiTokenKind::Personal => Err(TokenError::Endless),
            (TokenLife::Never, Some(longest)) => Err(TokenError::TooLong(longest)),
        }
    }

    /// The life of a token's successor that nobody said anything about: that of the token, as far as it is still allowed.
    pub(super) fn same_life(&self, token: &ApiToken) -> TokenLife {
        let life = token.expires_at.map(|end| end.since(token.created_at));
        match (life, self.longest(token.kind)) {
            (None, None) => TokenLife::Never,
            (Some(life), None) => TokenLife::For(life),
            (life, Some(longest)) => TokenLife::For(life.map_or(longest, |life| life.min(longest))),
        }
    }
}

/// How many living tokens a user has at most.
pub(super) fn most(kind: ApiTokenKind) -> u32 {
    match kind {
        ApiTokenKind::Personal => MOST_OF_A_PERSON,
        ApiTokenKind::Role => MOST_OF_A_ROLE_ACCOUNT,
    }
}

/// How long a new token is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenLife {
    /// As the settings say.
    #[default]
    Default,
    /// So long.
    For(Duration),
    /// For ever: a role account's alone.
    Never,
}

impl TokenLife {
    /// Reads a length such as `90d`. `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        humantime::parse_duration(text).ok().map(Self::For)
    }
}

/// What is asked of a new token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// What it is called.
    pub name: TokenName,
    /// What it lends.
    pub limits: LentLimits,
    /// What is written beside it.
    pub metadata: Metadata,
    /// How long it lives.
    pub life: TokenLife,
}

/// What is asked of a token's successor.
#[derive(Debug, Clone, Copy, Default)]
pub struct RotationRequest {
    /// For how long the token still counts beside it.
    pub overlap: Duration,
    /// How long the successor lives; as long as the token if nothing is said.
    pub life: Option<TokenLife>,
}

impl RotationRequest {
    pub(super) fn check(&self) -> Result<(), TokenError> {
        if self.overlap > LONGEST_OVERLAP { Err(TokenError::LongOverlap(LONGEST_OVERLAP)) } else { Ok(()) }
    }
}

/// A token that was made a moment ago, with its text, which is known to nothing else.
pub struct MadeToken {
    /// The token.
    pub token: ApiToken,
    /// Its text.
    pub text: SecretString,
}

/// What tokens are made under: the rules, the services that there are, and a source of chance.
#[derive(Clone, Copy)]
pub struct TokenTerms<'a> {
    /// How long they live.
    pub rules: &'a TokenRules,
    /// Whether a service of this name is there.
    pub is_service: &'a (dyn Fn(&ServiceName) -> bool + Sync),
    /// Where texts come from.
    pub randomness: &'a dyn SecureRandom,
}

/// The services that are asked for, if they are there.
pub(super) fn check_services(services: Services, terms: &TokenTerms<'_>) -> Result<Services, TokenError> {
    Ok(services.known_by(terms.is_service)?)
}

/// Scopes that judge the tokens of others are for role accounts, for services that are named, and given by an administrator alone.
pub(crate) fn check_judging(
    kind: ApiTokenKind,
    limits: &LentLimits,
    by_administrator: bool,
) -> Result<(), TokenError> {
    let Some(judging) = limits.scopes.iter().find(|scope| scope.judges_others()).map(Scope::to_string) else {
        return Ok(());
    };
    if kind == ApiTokenKind::Personal {
        return Err(TokenError::RoleAccountsAlone(judging));
    }
    if !by_administrator {
        return Err(TokenError::AdministratorsAlone(judging));
    }
    if limits.services == Services::Every { Err(TokenError::JudgesEveryService(judging)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_domain::Scopes;

    const RULES: TokenRules = TokenRules {
        default_ttl: Duration::from_secs(90),
        max_ttl: Duration::from_secs(366),
        role_max_ttl: None,
    };
    const BOUNDED: TokenRules = TokenRules { role_max_ttl: Some(Duration::from_secs(50)), ..RULES };

    fn seconds(rules: TokenRules, kind: ApiTokenKind, life: TokenLife) -> Result<Option<i64>, String> {
        let end = rules.end(kind, life, Timestamp::from_seconds(1_000));
        end.map(|end| end.map(|end| end.seconds() - 1_000)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_lives_as_long_as_asked_within_the_longest_life_of_its_kind() {
        use ApiTokenKind::{Personal, Role};
        let life = |seconds| TokenLife::For(Duration::from_secs(seconds));
        assert_eq!(seconds(RULES, Personal, TokenLife::Default), Ok(Some(90)));
        assert_eq!(seconds(RULES, Personal, life(366)), Ok(Some(366)));
        assert_eq!(seconds(RULES, Personal, life(367)), Err("a token may live 6m 6s at most".into()));
        assert_eq!(seconds(RULES, Personal, TokenLife::Never), Err("a token of a person has an end".into()));
        assert_eq!(seconds(RULES, Personal, life(0)), Err("a token lives for a second at least".into()));
        assert_eq!(seconds(RULES, Role, life(9_999)), Ok(Some(9_999)));
        assert_eq!(seconds(RULES, Role, TokenLife::Never), Ok(None));
        assert_eq!(seconds(BOUNDED, Role, TokenLife::Default), Ok(Some(50)), "never longer than the longest");
        assert_eq!(seconds(BOUNDED, Role, TokenLife::Never), Err("a token may live 50s at most".into()));
    }

    #[test]
    fn h20_what_judges_others_is_given_by_administrators_to_role_accounts_for_named_services() {
        use ApiTokenKind::{Personal, Role};
        for word in ["introspect", "oauth1:verify"] {
            let limits = |services: &str| LentLimits {
                services: Services::parse(services).unwrap(),
                scopes: Scopes::parse(&format!("read {word}")).unwrap(),
            };
            assert!(matches!(
                check_judging(Personal, &limits("wiki"), true),
                Err(TokenError::RoleAccountsAlone(_))
            ));
            assert!(matches!(
                check_judging(Role, &limits("wiki"), false),
                Err(TokenError::AdministratorsAlone(_))
            ));
            assert!(matches!(
                check_judging(Role, &limits("*"), true),
                Err(TokenError::JudgesEveryService(_))
            ));
            assert!(check_judging(Role, &limits("wiki"), true).is_ok());
        }
        let plain =
            LentLimits { services: Services::Every, scopes: Scopes::parse("read permissions").unwrap() };
        assert!(check_judging(Personal, &plain, false).is_ok());
    }
}
