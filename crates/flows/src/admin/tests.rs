//! The rules of an administrator, each on a database of its own.

mod audit;
mod find_user;
mod identities;
mod providers;
mod roles;
mod users;

use serde_json::{Map, Value};
use vestibule_domain::{
    Organization, OrganizationId, OrganizationLogin, Timestamp, UpstreamProfile, User, UserId,
};
use vestibule_storage::Storage;
use vestibule_test_support::TestDatabase;

use super::{AdminError, Administration};
use crate::Administrator;
use crate::testing::{GITHUB, StoppedClock, at, connect, connect_with, person, sign_in_as};

/// An administrator at a database, half an hour after everything else happened.
struct Stage {
    storage: Storage,
    database: TestDatabase,
    clock: StoppedClock,
}

fn now() -> Timestamp {
    at(1800)
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::sqlite();
        let storage = connect(&database);
        storage.migrate().await.unwrap();
        Self { storage, database, clock: StoppedClock(now()) }
    }

    /// The same database under settings with these providers alone.
    fn with_providers(self, issuers: &[&str]) -> Self {
        Self { storage: connect_with(&self.database, issuers), ..self }
    }

    fn admin(&self) -> Administration<'_> {
        Administration::new(&self.storage, &self.clock, Administrator::operator())
    }

    async fn sign_in(&self, profile: UpstreamProfile, id: &str) -> User {
        sign_in_as(&self.storage, profile, id).await.0
    }

    /// Signs in a member of an organization.
    async fn sign_in_member(&self, subject: &str, number: u64, login: &str) -> User {
        let id = OrganizationId::new(number).unwrap();
        let organization = Organization { id, login: OrganizationLogin::parse(login).unwrap() };
        let profile = UpstreamProfile { organizations: vec![organization], ..person(GITHUB, subject) };
        self.sign_in(profile, subject).await
    }

    async fn count_sessions(&self, user: &User) -> usize {
        self.storage.list_sessions(&user.id, now()).await.unwrap().len()
    }

    /// What the administrator did, by name and user: event, user, provider and details. Fails on an event of another actor.
    async fn recorded(&self) -> Vec<(String, Option<String>, Option<String>, Map<String, Value>)> {
        let admin = self.admin();
        let selection = admin.select_audit_events(None, None, Some(std::time::Duration::ZERO)).await.unwrap();
        let events = admin.list_audit_events(&selection, None).await.unwrap();
        let tell = |event: vestibule_storage::RecordedEvent| {
            assert_eq!((event.actor.as_str(), event.at()), ("operator", now()), "{event:?}");
            let details = event.details();
            (event.event, event.user_id, event.provider, details)
        };
        let mut told: Vec<_> = events.into_iter().map(tell).collect();
        // Events of one moment are in no order.
        told.sort_by_key(|(event, user, ..)| (event.clone(), user.clone()));
        told
    }
}

fn id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

fn text_of<T: std::fmt::Debug>(outcome: Result<T, AdminError>) -> String {
    outcome.unwrap_err().to_string()
}
