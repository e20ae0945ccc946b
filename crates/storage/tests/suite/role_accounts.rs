//! Users that are no people.

use vestibule_domain::{
    Actor, Attributes, AuditEvent, AuditName, Description, DisplayName, Metadata, RoleAccount, SystemRandom,
    User, UserId, UserKind, Username,
};
use vestibule_storage::{
    AuditFilter, RoleAccountChange, RoleAccountChanges, RoleAccountCreation, UsernameChoice,
};

use crate::api_tokens::{create, find, role_token};
use crate::bench::{Bench, GITHUB, all_at_once, at, event, on_both_databases, person};

/// How many role accounts one owner may have.
const MOST: u32 = 3;

fn username(name: &str) -> Username {
    Username::parse(name).unwrap()
}

fn new_account(name: &str, owner: Option<&UserId>) -> RoleAccount {
    let user = User {
        id: UserId::random(&SystemRandom),
        kind: UserKind::Role,
        username: Some(username(name)),
        name: DisplayName::clean("Nightly backups"),
        email: None,
        avatar_url: None,
        attributes: Attributes::default(),
        join_date: at(0),
        disabled_at: None,
    };
    let description = Description::parse("copies everything").ok();
    let metadata = Metadata::default();
    RoleAccount {
        user,
        owner: owner.cloned(),
        description,
        metadata,
        created_at: at(0),
        created_by: "operator".into(),
    }
}

/// Makes a role account.
pub(crate) async fn role_account(bench: &Bench, name: &str, owner: Option<&UserId>) -> RoleAccount {
    let account = new_account(name, owner);
    let outcome = bench.storage.create_role_account(&account, MOST, &event()).await.unwrap();
    assert_eq!(outcome, RoleAccountCreation::Created);
    account
}

async fn read(bench: &Bench, account: &RoleAccount) -> RoleAccount {
    bench.storage.find_role_account(&account.user.id).await.unwrap().unwrap()
}

on_both_databases! {
    async fn a_role_account_is_a_user_with_a_name_of_its_own(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", Some(&ada.user.id)).await;
        assert_eq!(read(bench, &backup).await, backup);
        assert_eq!(bench.storage.find_user_by_username(&username("backup")).await.unwrap().unwrap(), backup.user);
        assert!(bench.storage.find_role_account(&ada.user.id).await.unwrap().is_none(), "a person is none");
        let deploy = role_account(bench, "deploy", None).await;
        let list = async |owner, after: Option<&Username>| bench.storage.list_role_accounts(owner, after, 9).await.unwrap();
        assert_eq!(list(None, None).await, [backup.clone(), deploy.clone()]);
        assert_eq!(list(None, Some(&username("backup"))).await, [deploy]);
        assert_eq!(list(Some(&ada.user.id), None).await, [backup]);
    }

    async fn h12_nobody_takes_the_name_of_a_role_account_and_it_takes_nobodys(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        role_account(bench, "backup", None).await;
        let choice = bench.storage.choose_username(&ada.user.id, &username("Backup"), &event()).await.unwrap();
        assert_eq!(choice, UsernameChoice::Taken);
        let choice = bench.storage.choose_username(&ada.user.id, &username("ada"), &event()).await.unwrap();
        assert_eq!(choice, UsernameChoice::Chosen);
        for name in ["ada", "backup"] {
            let outcome = bench.storage.create_role_account(&new_account(name, None), MOST, &event()).await.unwrap();
            assert_eq!(outcome, RoleAccountCreation::UsernameTaken, "{name}");
        }
        assert_eq!(bench.storage.list_role_accounts(None, None, 9).await.unwrap().len(), 1);
        assert_eq!(bench.count_users().await, 2);
    }

    async fn h12_the_owner_is_a_person_who_may_sign_in(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", None).await;
        bench.storage.disable_user(&ada.user.id, at(0), &event()).await.unwrap();
        for owner in [&ada.user.id, &backup.user.id, &UserId::random(&SystemRandom)] {
            let account = new_account("other", Some(owner));
            let outcome = bench.storage.create_role_account(&account, MOST, &event()).await.unwrap();
            assert_eq!(outcome, RoleAccountCreation::UnknownOwner);
            let changes = RoleAccountChanges { owner: Some(Some(owner.clone())), ..RoleAccountChanges::default() };
            let outcome = bench.storage.change_role_account(&backup.user.id, &changes, MOST, &event()).await.unwrap();
            assert_eq!(outcome, RoleAccountChange::UnknownOwner);
        }
    }

    async fn a_role_account_is_renamed_described_and_given_away(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", None).await;
        let change = async |changes: RoleAccountChanges| {
            let outcome = bench.storage.change_role_account(&backup.user.id, &changes, MOST, &event()).await.unwrap();
            assert_eq!(outcome, RoleAccountChange::Changed);
            read(bench, &backup).await
        };
        let given = change(RoleAccountChanges { owner: Some(Some(ada.user.id.clone())), ..RoleAccountChanges::default() });
        assert_eq!(given.await, RoleAccount { owner: Some(ada.user.id.clone()), ..backup.clone() });
        let bare = RoleAccountChanges { name: Some(None), description: Some(None), owner: Some(None), ..RoleAccountChanges::default() };
        let bare = change(bare).await;
        assert_eq!((&bare.user.name, &bare.description, &bare.owner), (&None, &None, &None));
        assert_eq!(change(RoleAccountChanges::default()).await, bare);
        let of_person = bench.storage.change_role_account(&ada.user.id, &RoleAccountChanges::default(), MOST, &event()).await.unwrap();
        assert_eq!(of_person, RoleAccountChange::Unknown);
    }

    async fn h12_a_role_account_outlives_its_owner_and_the_trail_says_so(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let backup = role_account(bench, "backup", Some(&ada.user.id)).await;
        let token = role_token(&backup.user.id, "nightly");
        create(bench, &token).await;
        assert!(bench.storage.disable_user(&ada.user.id, at(1), &event()).await.unwrap());
        assert!(find(bench, &token, 2).await.is_some());
        assert!(bench.storage.delete_user(&ada.user.id, &event()).await.unwrap());
        let found = find(bench, &token, 2).await.unwrap();
        assert_eq!((found.owner, read(bench, &backup).await.owner), (None, None));
        let orphaned = AuditFilter { name: Some(AuditName::RoleAccountOrphaned), ..AuditFilter::default() };
        let events = bench.storage.list_audit_events(orphaned, None, 9).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].user_id.as_deref(), Some(backup.user.id.as_str()));
        assert_eq!(events[0].details()["owner"], ada.user.id.as_str());
    }

    async fn h12_the_tokens_of_a_disabled_role_account_wait_until_it_is_enabled(bench: &Bench) {
        let backup = role_account(bench, "backup", None).await;
        let token = role_token(&backup.user.id, "nightly");
        create(bench, &token).await;
        assert!(bench.storage.disable_user(&backup.user.id, at(1), &event()).await.unwrap());
        assert!(find(bench, &token, 2).await.is_none());
        assert!(bench.storage.enable_user(&backup.user.id, &event()).await.unwrap());
        assert!(find(bench, &token, 2).await.is_some());
        assert!(bench.storage.delete_user(&backup.user.id, &event()).await.unwrap());
        assert!(find(bench, &token, 2).await.is_none());
        assert!(bench.storage.find_role_account(&backup.user.id).await.unwrap().is_none());
    }

    async fn h12_the_role_accounts_of_an_owner_are_bounded_also_when_they_are_made_at_once(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await.user.id;
        let make = |number: usize| {
            let (storage, account) = (bench.storage.clone(), new_account(&format!("account-{number}"), Some(&ada)));
            async move { storage.create_role_account(&account, MOST, &event()).await.unwrap() }
        };
        let outcomes = all_at_once((0..10).map(make).collect()).await;
        let made = outcomes.iter().filter(|outcome| **outcome == RoleAccountCreation::Created).count();
        let refused = outcomes.iter().filter(|outcome| **outcome == RoleAccountCreation::LimitReached).count();
        assert_eq!((made, refused), (3, 7));
        let other = role_account(bench, "other", None).await;
        let give = RoleAccountChanges { owner: Some(Some(ada.clone())), disabled: Some(true), ..RoleAccountChanges::default() };
        let given = bench.storage.change_role_account(&other.user.id, &give, MOST, &event()).await.unwrap();
        assert_eq!((given, read(bench, &other).await), (RoleAccountChange::LimitReached, other), "nothing of it");
        let theirs = bench.storage.list_role_accounts(Some(&ada), None, 1).await.unwrap().remove(0);
        let kept = bench.storage.change_role_account(&theirs.user.id, &give, MOST, &event()).await.unwrap();
        assert_eq!(kept, RoleAccountChange::Changed, "it is one of the three");
    }

    async fn a_change_of_a_role_account_happens_whole_and_says_what_it_was(bench: &Bench) {
        let backup = role_account(bench, "backup", None).await;
        let events = async || {
            let filter = AuditFilter { user: Some(&backup.user.id), name: None, since: None };
            let events = bench.storage.list_audit_events(filter, None, 9).await.unwrap().into_iter();
            let mut names: Vec<_> = events.map(|event| event.event).collect();
            names.sort();
            names
        };
        let change = async |changes: RoleAccountChanges| {
            let event = AuditEvent::new(AuditName::RoleAccountChanged, Actor::Operator, at(5)).for_user(&backup.user.id);
            bench.storage.change_role_account(&backup.user.id, &changes, MOST, &event).await.unwrap();
            read(bench, &backup).await
        };
        let nothing = RoleAccountChanges::default();
        let disabled = change(RoleAccountChanges { disabled: Some(true), ..nothing.clone() }).await;
        assert_eq!(disabled.user.disabled_at, Some(at(5)));
        change(RoleAccountChanges { disabled: Some(true), ..nothing.clone() }).await;
        change(nothing.clone()).await;
        assert_eq!(events().await, ["role_account.disabled"], "once, and nothing else was changed");
        let both = change(RoleAccountChanges { name: Some(None), disabled: Some(false), ..nothing.clone() }).await;
        assert_eq!((both.user.disabled_at, both.user.name), (None, None));
        assert_eq!(events().await, ["role_account.changed", "role_account.disabled", "role_account.enabled"]);
        let stranger = RoleAccountChanges {
            name: Some(DisplayName::clean("x")),
            owner: Some(Some(UserId::random(&SystemRandom))),
            disabled: Some(true),
            ..nothing
        };
        let same = change(stranger).await;
        assert_eq!((same.user.disabled_at, same.user.name), (None, None), "nothing of it");
        assert_eq!(events().await.len(), 3);
    }
}
