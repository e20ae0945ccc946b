//! Tokens that people make for their programs, and those of role accounts.

use crate::{
    ApiTokenId, LentLimits, Metadata, NarrowingError, Scopes, Services, Timestamp, TokenName, UserId,
};

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiTokenKind {
    /// A person's.
    Personal,
    /// A role account's.
    Role,
}

impl ApiTokenKind {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Role => "role",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Personal, Self::Role].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A token, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id. Everything but the token itself knows it by this.
    pub id: ApiTokenId,
    /// Whose it is.
    pub kind: ApiTokenKind,
    /// As whom its holder acts.
    pub user_id: UserId,
    /// What its maker calls it.
    pub name: TokenName,
    /// What it lends.
    pub limits: LentLimits,
    /// What its maker wrote beside it.
    pub metadata: Metadata,
    /// The last characters of its text.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: the id of a user, or `operator`.
    pub created_by: String,
    /// When it ends; `None` for one of a role account that does not.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within some minutes.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_ip: Option<String>,
}

/// What is changed about a token; what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiTokenChanges {
    /// Another name.
    pub name: Option<TokenName>,
    /// Other metadata.
    pub metadata: Option<Metadata>,
    /// Fewer services.
    pub services: Option<Services>,
    /// Fewer scopes.
    pub scopes: Option<Scopes>,
    /// An earlier end.
    pub expires_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether its time has not come.
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// The token with these changes: it may lend less and end earlier, never the other way round.
    pub fn changed(&self, changes: &ApiTokenChanges) -> Result<Self, NarrowingError> {
        let limits = self.limits.narrowed_to(changes.services.clone(), changes.scopes.clone())?;
        let expires_at = match (self.expires_at, changes.expires_at) {
            (Some(end), Some(asked)) if asked > end => return Err(NarrowingError::Life),
            (end, asked) => asked.or(end),
        };
        let name = changes.name.clone().unwrap_or_else(|| self.name.clone());
        let metadata = changes.metadata.clone().unwrap_or_else(|| self.metadata.clone());
        Ok(Self { name, limits, metadata, expires_at, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_from_its_word() {
        for kind in [ApiTokenKind::Personal, ApiTokenKind::Role] {
            assert_eq!(ApiTokenKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(ApiTokenKind::parse("Personal"), None);
    }

    fn token(expires_at: Option<Timestamp>) -> ApiToken {
        ApiToken {
            id: ApiTokenId::parse("t").unwrap(),
            kind: ApiTokenKind::Role,
            user_id: UserId::parse("backup").unwrap(),
            name: TokenName::parse("laptop").unwrap(),
            limits: LentLimits { services: Services::Every, scopes: Scopes::parse("read write").unwrap() },
            metadata: Metadata::default(),
            hint: "abcd".into(),
            created_at: Timestamp::from_seconds(0),
            created_by: "operator".into(),
            expires_at,
            last_used_at: None,
            last_used_ip: None,
        }
    }

    #[test]
    fn a_token_may_end_earlier_and_never_later() {
        let at = Timestamp::from_seconds;
        let ending = |end| ApiTokenChanges { expires_at: Some(at(end)), ..ApiTokenChanges::default() };
        let (bounded, endless) = (token(Some(at(100))), token(None));
        assert_eq!(bounded.changed(&ending(100)).unwrap().expires_at, Some(at(100)));
        assert_eq!(bounded.changed(&ending(99)).unwrap().expires_at, Some(at(99)));
        assert_eq!(bounded.changed(&ending(101)), Err(NarrowingError::Life));
        assert_eq!(endless.changed(&ending(101)).unwrap().expires_at, Some(at(101)));
        assert!(bounded.is_running(at(99)) && !bounded.is_running(at(100)) && endless.is_running(at(100)));
    }

    #[test]
    fn what_is_not_named_stays() {
        let given = token(None);
        assert_eq!(given.changed(&ApiTokenChanges::default()), Ok(given.clone()));
        let name = TokenName::parse("desk").ok();
        let renamed =
            given.changed(&ApiTokenChanges { name: name.clone(), ..ApiTokenChanges::default() }).unwrap();
        assert_eq!((Some(&renamed.name), &renamed.limits), (name.as_ref(), &given.limits));
        let wider = ApiTokenChanges { name, scopes: Scopes::parse("all").ok(), ..ApiTokenChanges::default() };
        assert_eq!(given.changed(&wider), Err(NarrowingError::Scopes));
    }
}
