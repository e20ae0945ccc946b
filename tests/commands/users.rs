//! `vestibule users`.

use serde_json::{Value, json};
use vestibule_test_support::{Program, TestDatabase, eventually};

use super::Outcome;
use crate::world::{World, on_both_databases};

async fn users(world: &World, arguments: &[&str]) -> Outcome {
    world.program.run(&[&["users"], arguments].concat()).await.into()
}

/// The output of a command that succeeds.
async fn told(world: &World, arguments: &[&str]) -> String {
    let outcome = users(world, arguments).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{arguments:?}");
    outcome.out
}

async fn until_signed_out(world: &World, token: &str) {
    eventually("the token is dead", async || !world.is_signed_in(token).await).await;
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

on_both_databases! {
    async fn users_are_listed_and_shown_with_identities_and_sessions(database) {
        let world = World::on(database).await;
        assert_eq!(told(&world, &["list"]).await, "");
        let token = world.sign_in("google", "ada").await;
        world.sign_in("github", "ada").await;
        let other = world.profile(&world.sign_in("google", "no-name").await).await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        let profile = world.profile(&token).await;
        let (id, joined) = (text(&profile["id"]), text(&profile["join_date"]));

        let list = told(&world, &["list"]).await;
        let mut lines: Vec<_> = list.lines().collect();
        lines.sort_by_key(|line| !line.contains("ada"));
        assert_eq!(lines[0], format!("{id}  ada  ada.moreau@example.com  {joined}"));
        assert!(lines[1].starts_with(&format!("{}  -  k7xq2@example.com  ", text(&other["id"]))), "{list}");
        assert_eq!(lines.len(), 2, "one line a user, whatever the identities");

        let shown = told(&world, &["show", "ADA"]).await;
        assert_eq!(shown, told(&world, &["show", id]).await, "by username, in any case, or by id");
        let subject = text(&world.control().find_persona("ada").unwrap().google["sub"]).to_owned();
        for part in [
            format!("id        {id}\n"),
            "username  ada\n".into(),
            "name      Ada Moreau\n".into(),
            "email     ada.moreau@example.com\n".into(),
            format!("joined    {joined}\n"),
            format!("identity  {} {subject} - ", world.emulator.google_issuer()),
            format!("identity  {} 4201017 ada-moreau ", world.emulator.github_url()),
            format!(" by google:{subject} from "),
            " by github:4201017 from ".into(),
        ] {
            assert!(shown.contains(&part), "{part:?} in {shown}");
        }
        assert!(!shown.contains(&token) && !shown.contains("disabled"), "{shown}");
    }

    async fn a_user_is_signed_out_everywhere_and_nobody_else_is(database) {
        let world = World::on(database).await;
        let ada = [world.sign_in("google", "ada").await, world.sign_in("github", "ada").await];
        let linus = world.sign_in("google", "linus").await;
        let id = text(&world.profile(&ada[0]).await["id"]).to_owned();
        assert_eq!(told(&world, &["sign-out", &id]).await, format!("{id} (-, Ada Moreau): signed out; sessions that ended: 2\n"));
        for token in &ada {
            until_signed_out(&world, token).await;
        }
        assert!(world.is_signed_in(&linus).await);
        assert_eq!(told(&world, &["sign-out", &id]).await, format!("{id} (-, Ada Moreau): signed out; sessions that ended: 0\n"));
        assert!(world.is_signed_in(&world.sign_in("google", "ada").await).await, "a new sign-in counts");
    }

    async fn l12_everybody_is_signed_out_at_once_and_may_sign_in_again(database) {
        let world = World::on(database).await;
        let tokens = [world.sign_in("google", "ada").await, world.sign_in("google", "linus").await];
        assert_eq!(told(&world, &["sign-out", "--all"]).await, "users whose sessions are over: 2\n");
        for token in &tokens {
            until_signed_out(&world, token).await;
        }
        assert!(world.is_signed_in(&world.sign_in("google", "ada").await).await);
    }

    async fn a_user_is_disabled_enabled_and_deleted(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
        let id = text(&world.profile(&token).await["id"]).to_owned();
        assert_eq!(told(&world, &["disable", "ada"]).await, format!("{id} (ada, Ada Moreau): disabled; all sessions and tokens are over\n"));
        world.until_signed_out(&token).await;
        assert!(told(&world, &["list"]).await.trim_end().ends_with("  disabled"));
        assert!(told(&world, &["show", &id]).await.contains("disabled  20"));
        assert_eq!(world.fail_to_sign_in("google", "ada").await, "account_disabled");

        assert_eq!(told(&world, &["enable", &id]).await, format!("{id} (ada, Ada Moreau): enabled\n"));
        let token = world.sign_in("google", "ada").await;
        assert_eq!(world.profile(&token).await["username"], "ada");

        let deleted = told(&world, &["delete", "ada"]).await;
        assert_eq!(deleted, format!("{id} (ada, Ada Moreau): deleted, with identities, sessions, tokens and roles\n"));
        world.until_signed_out(&token).await;
        assert_eq!(told(&world, &["list"]).await, "");
        let resolved = world.browser().get("/auth/resolve?username=ada").await;
        assert_eq!(resolved.json(), json!({"userid": null}));
        let stranger = world.profile(&world.sign_in("google", "ada").await).await;
        assert_ne!(text(&stranger["id"]), id, "nothing of the deleted user comes back");
        assert!(stranger.get("username").is_none());
    }
}

/// The address is what an operator is told on the telephone. One that no provider has verified names no user.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_named_by_the_verified_address_and_by_none_that_several_hold() {
    let world = World::builder(TestDatabase::sqlite()).setting("ACCOUNT_LINKING", "explicit").start().await;
    let token = world.sign_in("google", "ada").await;
    let id = text(&world.profile(&token).await["id"]).to_owned();
    let address = "ada.moreau@example.com";
    assert!(
        told(&world, &["show", "Ada.Moreau@Example.com"]).await.starts_with(&format!("id        {id}\n"))
    );
    assert_eq!(
        told(&world, &["disable", address]).await,
        format!("{id} (-, Ada Moreau): disabled; all sessions and tokens are over\n")
    );
    until_signed_out(&world, &token).await;
    assert_eq!(told(&world, &["enable", address]).await, format!("{id} (-, Ada Moreau): enabled\n"));

    let second = text(&world.profile(&world.sign_in("github", "ada").await).await["id"]).to_owned();
    let mut both = [id, second];
    both.sort();
    let expected = format!(
        "vestibule: {address:?} is verified for several users: {} (-, Ada Moreau), {} (-, Ada Moreau); --id says which is meant\n",
        both[0], both[1]
    );
    for command in ["show", "sign-out", "disable", "enable", "delete"] {
        let outcome = users(&world, &[command, address]).await;
        assert_eq!(
            (outcome.status, outcome.out.as_str(), outcome.error.as_str()),
            (Some(1), "", expected.as_str())
        );
    }
    assert_eq!(told(&world, &["list"]).await.lines().filter(|line| line.ends_with("disabled")).count(), 0);

    world.sign_in("google", "grace").await;
    for nobody in ["grace.lindqvist@example.net", "nobody@example.org"] {
        let outcome = users(&world, &["show", nobody]).await;
        assert_eq!(outcome.error, format!("vestibule: no user has the verified address {nobody:?}\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_not_there_is_said_not_to_be() {
    let world = World::on(TestDatabase::sqlite()).await;
    for command in ["show", "sign-out", "disable", "enable", "delete"] {
        for name in ["nobody", "", "' OR 1=1--", "ff00"] {
            let outcome = users(&world, &[command, name]).await;
            assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{command} {name:?}");
            let expected = format!("vestibule: no user has the id or username {name:?}\n");
            assert_eq!(outcome.error, expected);
        }
    }
}

/// A mistyped address must not look like a service without users.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_not_made() {
    let program = Program::builder();
    let file = program.directory().join("mistyped.db");
    let program = program.setting("DATABASE_URL", &format!("sqlite://{}", file.display()));
    let outcome: Outcome = program.run(&["users", "list"]).await.into();
    assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""));
    assert!(
        outcome.error.contains("there is no database at") && outcome.error.contains("mistyped.db"),
        "{}",
        outcome.error
    );
    assert!(!file.exists());
}
