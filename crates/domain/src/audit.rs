//! What is kept of an event that matters to security: who did what to whom, when, from where, and what came of it.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::{ClientInfo, SessionId, Timestamp, UserId};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What happened. The names are stable: they are searched for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditName {
            $($(#[$doc])* $variant,)+
        }

        impl AuditName {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Dotted: what it is about, then what became of it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

events! {
    /// A sign-in succeeded.
    SignInSucceeded = "sign_in.succeeded",
    /// A sign-in ended without a session.
    SignInRefused = "sign_in.refused",
    /// A callback was repeated: by the "back" of a browser, or with a stolen address.
    SignInReplayed = "sign_in.replayed",
    /// A first sign-in made a user.
    UserCreated = "user.created",
    /// A new identity joined a user because both have the same verified address.
    IdentityLinked = "identity.linked",
    /// The operator took an identity away from a user.
    IdentityUnlinked = "identity.unlinked",
    /// A user chose the username.
    UsernameChosen = "user.username_chosen",
    /// A user signed out.
    SessionEnded = "session.ended",
    /// A browser session ended because another user signed in in that browser.
    SessionReplaced = "session.replaced",
    /// A user signed out everywhere.
    AllSessionsEnded = "session.all_ended",
    /// A person lent something to a program of theirs.
    GrantCreated = "grant.created",
    /// A grant lends less.
    GrantChanged = "grant.changed",
    /// What was lent to a program ended.
    GrantRevoked = "grant.revoked",
    /// A refresh token came again after its successor was used: what was lent to that program ended.
    TokenReuseDetected = "token.reuse_detected",
    /// The operator disabled a user, whose sessions ended.
    UserDisabled = "user.disabled",
    /// The operator let a user in again.
    UserEnabled = "user.enabled",
    /// The operator deleted a user.
    UserDeleted = "user.deleted",
    /// The operator assigned a role.
    RoleGranted = "role.granted",
    /// The operator took a role back.
    RoleRevoked = "role.revoked",
    /// A token was made, for a person or a role account.
    TokenCreated = "token.created",
    /// A token was renamed or lends less.
    TokenChanged = "token.changed",
    /// A token got a successor.
    TokenRotated = "token.rotated",
    /// A token was ended, or all of a user's.
    TokenRevoked = "token.revoked",
    /// A role account was made.
    RoleAccountCreated = "role_account.created",
    /// A role account was renamed, described anew or given to another owner.
    RoleAccountChanged = "role_account.changed",
    /// A role account was disabled; its tokens wait.
    RoleAccountDisabled = "role_account.disabled",
    /// A role account was enabled; its tokens count again.
    RoleAccountEnabled = "role_account.enabled",
    /// The owner of a role account was deleted; it lives on without one.
    RoleAccountOrphaned = "role_account.orphaned",
    /// The operator removed what a provider left that is not configured any more.
    ProviderForgotten = "provider.forgotten",
    /// The plugin of a service denied a user every permission.
    AccessDenied = "access.denied",
    /// The service took other keys into use: new ones, or without those that have vanished.
    KeysChanged = "keys.changed",
    /// The folder of keys changed and cannot be used as it is; the earlier keys stay.
    KeysRejected = "keys.rejected",
    /// Plugins were loaded anew.
    PluginsReloaded = "plugins.reloaded",
    /// Plugins could not be loaded anew; the earlier ones stay.
    PluginsRejected = "plugins.rejected",
    /// A process of the service began to serve.
    ServiceStarted = "service.started",
    /// A process of the service ended as it was told to.
    ServiceStopped = "service.stopped",
}

impl fmt::Display for AuditName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is no such event; docs/observability.md lists them")]
pub struct UnknownEvent;

impl FromStr for AuditName {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or(UnknownEvent)
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person, through the service.
    User(UserId),
    /// The operator, by a command.
    Operator,
    /// The service by itself.
    Service,
    /// A client of unproven identity.
    Anybody,
}

impl Actor {
    /// The user's id, or `operator`, `service` or `anybody`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Anybody => "anybody",
        }
    }
}

/// One event.
///
/// INVARIANT: it holds no token, no secret and no e-mail address; people are ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub name: AuditName,
    /// By whom.
    pub actor: Actor,
    /// To which user.
    pub user: Option<UserId>,
    /// In which session, or which session began or ended.
    pub session: Option<SessionId>,
    /// At which provider.
    pub provider: Option<String>,
    /// From where.
    pub client: ClientInfo,
    /// Why it was refused; nothing when it was not.
    pub reason: Option<&'static str>,
    /// What else there is to know, in a few short members.
    pub details: Map<String, Value>,
}

impl AuditEvent {
    /// Something that this actor did.
    pub fn new(name: AuditName, actor: Actor, at: Timestamp) -> Self {
        let (user, session, provider, reason) = (None, None, None, None);
        let (client, details) = (ClientInfo::default(), Map::new());
        Self { at, name, actor, user, session, provider, client, reason, details }
    }

    /// Something that a person did, to themselves, by a request.
    pub fn by_user(name: AuditName, user: &UserId, client: &ClientInfo, at: Timestamp) -> Self {
        Self::new(name, Actor::User(user.clone()), at).for_user(user).from_client(client)
    }

    /// The user to whom it happened.
    #[must_use]
    pub fn for_user(self, user: &UserId) -> Self {
        Self { user: Some(user.clone()), ..self }
    }

    /// Where the request came from.
    #[must_use]
    pub fn from_client(self, client: &ClientInfo) -> Self {
        Self { client: client.clone(), ..self }
    }

    /// The session.
    #[must_use]
    pub fn in_session(self, session: &SessionId) -> Self {
        Self { session: Some(session.clone()), ..self }
    }

    /// The provider by its name in the settings.
    #[must_use]
    pub fn at_provider(self, provider: &str) -> Self {
        Self { provider: Some(provider.to_owned()), ..self }
    }

    /// It was refused, and why.
    #[must_use]
    pub fn refused(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// One more thing to know.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_documented() {
        let document = include_str!("../../../docs/observability.md");
        for name in AuditName::ALL {
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn every_event_is_known_by_its_name_and_no_two_have_one() {
        for name in AuditName::ALL {
            assert_eq!(name.as_str().parse(), Ok(*name));
            assert_eq!(name.to_string(), name.as_str());
            assert!(name.as_str().split('.').count() == 2, "{name}");
        }
        assert_eq!("sign_in".parse::<AuditName>(), Err(UnknownEvent));
    }

    #[test]
    fn an_event_has_the_members_that_it_was_given_and_no_others() {
        let at = Timestamp::from_seconds(7);
        let bare = AuditEvent::new(AuditName::KeysChanged, Actor::Service, at);
        assert_eq!((bare.at, bare.name, &bare.actor), (at, AuditName::KeysChanged, &Actor::Service));
        assert_eq!((&bare.user, &bare.session, &bare.provider, bare.reason), (&None, &None, &None, None));
        assert_eq!((&bare.client, bare.details.len()), (&ClientInfo::default(), 0));

        let (user, session) = (UserId::parse("ada").unwrap(), SessionId::parse("s1").unwrap());
        let client = ClientInfo::new(Some("Browser"), Some("203.0.113.7".into()));
        let event = bare
            .for_user(&user)
            .from_client(&client)
            .in_session(&session)
            .at_provider("google")
            .refused("state_expired")
            .with_detail("keys", 2)
            .with_detail("first", true);
        assert_eq!((event.user, event.session), (Some(user), Some(session)));
        assert_eq!((event.provider.as_deref(), event.reason), (Some("google"), Some("state_expired")));
        assert_eq!(event.client, client);
        assert_eq!(Value::from(event.details), serde_json::json!({"keys": 2, "first": true}));
    }

    #[test]
    fn what_a_user_does_happens_to_that_user_and_comes_from_the_client() {
        let user = UserId::parse("ada").unwrap();
        let client = ClientInfo::new(None, Some("203.0.113.7".into()));
        let event = AuditEvent::by_user(AuditName::SessionEnded, &user, &client, Timestamp::from_seconds(7));
        assert_eq!((event.actor, event.user), (Actor::User(user.clone()), Some(user)));
        assert_eq!((event.client, event.name), (client, AuditName::SessionEnded));
    }

    #[test]
    fn an_actor_is_a_user_by_id_or_a_word() {
        let user = Actor::User(UserId::parse("ada").unwrap());
        let words =
            [user, Actor::Operator, Actor::Service, Actor::Anybody].map(|actor| actor.as_str().to_owned());
        assert_eq!(words, ["ada", "operator", "service", "anybody"]);
    }
}
