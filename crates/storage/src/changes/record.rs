//! What changes: a record of a kind, by its id, or possibly everything.

use std::fmt;

use vestibule_domain::{SessionId, UserId};

/// The kinds of record of which copies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A sign-in session: it ended, or is another than it was.
    Session,
    /// A user, or all that the user is signed in with.
    User,
    /// Something that was lent, by its id: a token of a person or a role account, or a grant; an access token, by its digest.
    Credential,
}

impl RecordKind {
    const ALL: [Self; 3] = [Self::Session, Self::User, Self::Credential];

    /// The word that triggers write. Replicas of other versions read it, so it never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::User => "user",
            Self::Credential => "credential",
        }
    }
}

/// A record that copies may have been made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record<'a> {
    /// Its kind.
    pub kind: RecordKind,
    /// Its id among those of its kind.
    pub id: &'a str,
}

impl<'a> Record<'a> {
    /// A session.
    pub fn session(id: &'a SessionId) -> Self {
        Self { kind: RecordKind::Session, id: id.as_str() }
    }

    /// A user.
    pub fn user(id: &'a UserId) -> Self {
        Self { kind: RecordKind::User, id: id.as_str() }
    }

    /// Something that was lent, by its id; an access token, by its digest.
    pub fn credential(id: &'a str) -> Self {
        Self { kind: RecordKind::Credential, id }
    }
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// One record.
    Of(Record<'a>),
    /// Possibly everything: it is not known what.
    Everything,
}

/// What triggers write when it is not known what has changed.
const ANYTHING: &str = "anything";

/// Triggers cut ids to this length. One that reaches it may be another record's as well.
const CUT_LENGTH: usize = 200;

impl<'a> Change<'a> {
    /// Reads what a trigger wrote. `None` for a kind that only a newer program knows: this one keeps no copies of it.
    pub(crate) fn parse(kind: &str, id: &'a str) -> Option<Self> {
        if let Some(kind) = RecordKind::ALL.into_iter().find(|known| known.as_str() == kind) {
            let is_whole = (1..CUT_LENGTH).contains(&id.chars().count());
            return Some(if is_whole { Self::Of(Record { kind, id }) } else { Self::Everything });
        }
        let is_kind = kind != ANYTHING
            && !id.is_empty()
            && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_kind { None } else { Some(Self::Everything) }
    }
}

impl fmt::Display for Change<'_> {
    /// As triggers write it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(Record { kind, id }) => write!(formatter, "{} {id}", kind.as_str()),
            Self::Everything => formatter.write_str(ANYTHING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d9_what_is_not_understood_may_be_everything() {
        for (kind, id) in [
            ("anything", ""),
            ("anything", "x"),
            ("", ""),
            ("user", ""),
            ("USER", "ada"),
            ("use r", "x"),
            ("token", ""),
        ] {
            assert_eq!(Change::parse(kind, id), Some(Change::Everything), "{kind:?} {id:?}");
        }
        assert_eq!(Change::parse("user", &"x".repeat(CUT_LENGTH)), Some(Change::Everything), "it may be cut");
    }

    #[test]
    fn a_kind_that_only_a_newer_program_knows_ends_no_copy_here() {
        assert_eq!(Change::parse("personal_token", "17"), None);
        assert_eq!(
            Change::parse("user", "ada"),
            Some(Change::Of(Record { kind: RecordKind::User, id: "ada" }))
        );
        assert_eq!(
            Change::parse("session", "s"),
            Some(Change::Of(Record { kind: RecordKind::Session, id: "s" }))
        );
        assert_eq!(Change::parse("credential", "c"), Some(Change::Of(Record::credential("c"))));
    }
}
