//! The audit trail is there exactly when the change is.

use vestibule_domain::{
    Actor, AuditEvent, AuditName, ClientInfo, IdentityKey, RoleAssignment, RoleAssignmentId, RoleName,
    RoleSubject, SystemRandom, UserId, Username,
};
use vestibule_storage::{AuditFilter, RecordedEvent, SignInOutcome, StorageError, UsernameChoice};

use crate::bench::{
    Bench, GITHUB, GOOGLE, HOUR, at, event, on_both_databases, person, try_sign_in, verified,
};
use crate::consistency::execute;

async fn trail(bench: &Bench, filter: AuditFilter<'_>) -> Vec<RecordedEvent> {
    bench.storage.list_audit_events(filter, None, 1_000).await.unwrap()
}

async fn names(bench: &Bench) -> Vec<String> {
    trail(bench, AuditFilter::default()).await.into_iter().map(|event| event.event).collect()
}

fn by_operator(name: AuditName, user: &UserId) -> AuditEvent {
    AuditEvent::new(name, Actor::Operator, at(1)).for_user(user)
}

on_both_databases! {
    async fn a_sign_in_tells_who_came_from_where_and_what_that_made(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.com")).await;
        bench.sign_in_as(&verified(GITHUB, "2", "ada@example.com"), |sign_in| sign_in.now = at(1)).await;
        let mut told = names(bench).await;
        // Those of one moment are in no order.
        told[..2].sort();
        told[2..].sort();
        assert_eq!(told, ["sign_in.succeeded", "user.created", "identity.linked", "sign_in.succeeded"]);
        for event in trail(bench, AuditFilter::default()).await {
            assert_eq!((event.actor.as_str(), event.user_id.as_deref()), (ada.user.id.as_str(), Some(ada.user.id.as_str())));
            assert_eq!((event.ip.as_deref(), event.user_agent.as_deref()), (Some("192.0.2.1"), Some("test")));
            assert_eq!(event.reason, None);
            let text = format!("{event:?}");
            assert!(!text.contains("ada@example.com") && !text.contains("Lovelace"), "{text}");
        }
    }

    async fn a_disabled_user_s_sign_in_is_told_of_and_changes_nothing_else(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        bench.storage.disable_user(&ada.user.id, at(0), &event()).await.unwrap();
        let outcome = try_sign_in(&bench.storage, &person(GOOGLE, "1"), |sign_in| sign_in.now = at(2)).await;
        assert_eq!(outcome, SignInOutcome::Disabled);
        let refused = AuditFilter { name: Some(AuditName::SignInRefused), ..AuditFilter::default() };
        let [event] = &trail(bench, refused).await[..] else { panic!("one event") };
        assert_eq!((event.reason.as_deref(), event.session_id.as_deref()), (Some("account_disabled"), None));
        assert_eq!(event.user_id.as_deref(), Some(ada.user.id.as_str()));
    }

    async fn a_change_is_told_of_once_and_what_changes_nothing_is_not(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        let grace = bench.sign_in_as(&person(GOOGLE, "2"), |sign_in| sign_in.now = at(0)).await;
        let before = names(bench).await.len();
        let id = &ada.user.id;
        let (storage, by_operator) = (&bench.storage, |name| by_operator(name, id));
        let role = RoleAssignment {
            role: RoleName::parse("Writer").unwrap(),
            subject: RoleSubject::User(id.clone()),
            service: None,
            provider: None,
        };
        let username = Username::parse("ada").unwrap();
        for _ in 0..2 {
            let chosen = by_operator(AuditName::UsernameChosen);
            storage.choose_username(id, &username, &chosen).await.unwrap();
            let new = RoleAssignmentId::random(&SystemRandom);
            storage.grant_role(&role, &new, at(1), &by_operator(AuditName::RoleGranted)).await.unwrap();
            let ended = by_operator(AuditName::SessionEnded);
            storage.revoke_session(id, &ada.session.id, at(1), &ended).await.unwrap();
            storage.disable_user(id, at(1), &by_operator(AuditName::UserDisabled)).await.unwrap();
        }
        for _ in 0..2 {
            storage.enable_user(id, &by_operator(AuditName::UserEnabled)).await.unwrap();
            storage.revoke_role(&role, &by_operator(AuditName::RoleRevoked)).await.unwrap();
        }
        let taken = storage.choose_username(&grace.user.id, &username, &by_operator(AuditName::UsernameChosen)).await;
        assert_eq!(taken.unwrap(), UsernameChoice::Taken);
        let mut told = names(bench).await;
        assert_eq!(told.len(), before + 6, "{told:?}");
        told.sort();
        told.dedup();
        assert_eq!(told, [
            "role.granted", "role.revoked", "session.ended", "sign_in.succeeded", "user.created", "user.disabled",
            "user.enabled", "user.username_chosen",
        ]);
    }

    async fn a_change_whose_event_cannot_be_written_does_not_happen(bench: &Bench) {
        let ada = bench.sign_in(&verified(GOOGLE, "1", "ada@example.com")).await;
        bench.sign_in_as(&verified(GITHUB, "2", "ada@example.com"), |sign_in| sign_in.now = at(1)).await;
        let (id, storage, url) = (&ada.user.id, &bench.storage, bench.database.url());
        let role = |name| RoleAssignment {
            role: RoleName::parse(name).unwrap(),
            subject: RoleSubject::User(id.clone()),
            service: None,
            provider: None,
        };
        storage.grant_role(&role("Reader"), &RoleAssignmentId::random(&SystemRandom), at(0), &event()).await.unwrap();
        execute(url, "ALTER TABLE audit_events RENAME TO events_of_before").await;
        let github = IdentityKey { issuer: GITHUB.into(), subject: "2".into() };
        let outcomes = [
            storage.choose_username(id, &Username::parse("ada").unwrap(), &event()).await.map(drop),
            storage.grant_role(&role("Writer"), &RoleAssignmentId::random(&SystemRandom), at(1), &event()).await.map(drop),
            storage.revoke_role(&role("Reader"), &event()).await.map(drop),
            storage.revoke_session(id, &ada.session.id, at(1), &event()).await.map(drop),
            storage.revoke_all_sessions(id, at(1), &event()).await.map(drop),
            storage.unlink_identity(id, &github, at(1), &event()).await.map(drop),
            storage.disable_user(id, at(1), &event()).await.map(drop),
            storage.delete_user(id, &event()).await.map(drop),
        ];
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert!(matches!(outcome, Err(StorageError::Failed(_))), "{number}: {outcome:?}");
        }
        execute(url, "ALTER TABLE events_of_before RENAME TO audit_events").await;
        let user = storage.find_user(id).await.unwrap().unwrap();
        assert_eq!((user.username, user.disabled_at), (None, None));
        assert!(bench.is_live(&ada, at(2)).await);
        let roles: Vec<_> = storage.list_role_assignments().await.unwrap().into_iter().map(|one| one.role).collect();
        assert_eq!(roles, [RoleName::parse("Reader").unwrap()]);
        assert_eq!(storage.list_identities(id).await.unwrap().len(), 2);
        storage.disable_user(id, at(2), &event()).await.unwrap();
        execute(url, "ALTER TABLE audit_events RENAME TO events_of_before").await;
        assert!(storage.enable_user(id, &event()).await.is_err());
        execute(url, "ALTER TABLE events_of_before RENAME TO audit_events").await;
        assert!(storage.find_user(id).await.unwrap().unwrap().disabled_at.is_some());
    }

    async fn what_is_told_of_a_deleted_user_stays_without_the_places(bench: &Bench) {
        let ada = bench.sign_in(&person(GOOGLE, "1")).await;
        let deleted = by_operator(AuditName::UserDeleted, &ada.user.id);
        assert!(bench.storage.delete_user(&ada.user.id, &deleted).await.unwrap());
        assert!(!bench.storage.delete_user(&ada.user.id, &deleted).await.unwrap());
        let of_ada = AuditFilter { user: Some(&ada.user.id), ..AuditFilter::default() };
        let events = trail(bench, of_ada).await;
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(|event| event.ip.is_none() && event.user_agent.is_none()), "{events:?}");
    }

    async fn l15_events_are_deleted_when_their_time_is_over_and_no_others(bench: &Bench) {
        for hour in 0..10 {
            let event = AuditEvent::new(AuditName::ServiceStarted, Actor::Service, at(hour * HOUR));
            bench.storage.record_audit_event(&event.with_detail("version", "1")).await.unwrap();
        }
        assert_eq!(bench.storage.delete_audit_events(at(7 * HOUR), 3).await.unwrap(), 7);
        assert_eq!(bench.storage.delete_audit_events(at(7 * HOUR), 3).await.unwrap(), 0);
        let left = trail(bench, AuditFilter::default()).await;
        assert_eq!(left.iter().map(RecordedEvent::at).collect::<Vec<_>>(), [7, 8, 9].map(|hour| at(hour * HOUR)));
        assert_eq!(left[0].details()["version"], "1");
        let since = AuditFilter { since: Some(at(8 * HOUR)), ..AuditFilter::default() };
        assert_eq!(trail(bench, since).await.len(), 2);
        let behind = bench.storage.list_audit_events(AuditFilter::default(), Some(&left[1].id), 5).await.unwrap();
        assert_eq!(behind, left[2..]);
    }

    async fn n4_what_a_client_calls_itself_is_cut_and_has_no_control_characters(bench: &Bench) {
        let long = format!("\u{1b}[31m\r\n{}", "x".repeat(10_000));
        let client = ClientInfo::new(Some(&long), None).by_request(Some("5f0c"));
        let user = UserId::random(&SystemRandom);
        let event = AuditEvent::by_user(AuditName::AllSessionsEnded, &user, &client, at(0));
        bench.storage.revoke_all_sessions(&user, at(0), &event).await.unwrap();
        let [event] = &trail(bench, AuditFilter::default()).await[..] else { panic!("one event") };
        let agent = event.user_agent.as_deref().unwrap();
        assert!(agent.len() <= 256 && !agent.chars().any(char::is_control), "{agent}");
        assert_eq!(event.request_id.as_deref(), Some("5f0c"));
    }
}
