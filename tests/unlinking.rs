//! `vestibule users unlink`: an identity that somebody else has got hold of is taken away from its user.

use serde_json::{Value, json};
use vestibule_test_support::TestDatabase;

use crate::authorize::granted;
use crate::commands::Outcome;
use crate::world::{World, on_both_databases};

async fn command(world: &World, arguments: &[&str]) -> Outcome {
    world.program.run(arguments).await.into()
}

async fn told(world: &World, arguments: &[&str]) -> String {
    let outcome = command(world, arguments).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{arguments:?}");
    outcome.out
}

async fn id_of(world: &World, token: &str) -> String {
    world.profile(token).await["id"].as_str().unwrap().to_owned()
}

/// Ada's tokens by Google and by GitHub, and her id.
async fn both(world: &World) -> (String, String, String) {
    let (google, github) = (world.sign_in("google", "ada").await, world.sign_in("github", "ada").await);
    let id = id_of(world, &google).await;
    assert_eq!(id_of(world, &github).await, id);
    (google, github, id)
}

const GITHUB: &str = "github:4201017";

on_both_databases! {
    async fn c17_with_an_identity_end_the_sessions_that_came_by_it(database) {
        let world = World::on(database).await;
        let (google, github, id) = both(&world).await;
        let said = told(&world, &["users", "unlink", &id, GITHUB]).await;
        assert!(said.starts_with(&format!("{id} (")), "{said}");
        assert!(said.ends_with(&format!("): {GITHUB} is unlinked; sessions that ended: 1\n")), "{said}");
        world.until_signed_out(&github).await;
        assert!(world.is_signed_in(&google).await);
        let shown = told(&world, &["users", "show", &id]).await;
        assert!(!shown.contains(GITHUB), "{shown}");
        let events = told(&world, &["audit", "list", "--user", &id, "--event", "identity.unlinked"]).await;
        assert!(events.contains("by operator") && events.contains("provider=github"), "{events}");
        let again = command(&world, &["users", "unlink", &id, GITHUB]).await;
        assert_eq!(again.status, Some(1));
        assert!(again.error.starts_with(&format!("vestibule: {id} (")), "{}", again.error);
        assert!(again.error.ends_with(&format!("): has no identity {GITHUB}\n")), "{}", again.error);
    }

    async fn c14_what_was_unlinked_does_not_come_back_by_its_address(database) {
        let mut world = World::on(database).await;
        let (google, _, id) = both(&world).await;
        told(&world, &["users", "unlink", &id, GITHUB]).await;
        let thief = world.profile(&world.sign_in("github", "ada").await).await;
        assert_ne!(thief["id"], id);
        assert_eq!(thief["email"], Value::Null);
        let again = world.profile(&world.sign_in("github", "ada").await).await;
        assert_eq!((&again["id"], &again["email"]), (&thief["id"], &Value::Null));
        // The address is Ada's still, and her other identities join by it as ever.
        assert_eq!(world.profile(&google).await["email"], "ada.moreau@example.com");
        assert_eq!(id_of(&world, &world.sign_in("corporate", "ada").await).await, id);
        world.program.restart().await;
        let later = world.profile(&world.sign_in("github", "ada").await).await;
        assert_eq!((&later["id"], &later["email"]), (&thief["id"], &Value::Null));
    }

    async fn c14_nor_does_it_with_explicit_linking(database) {
        let world = World::builder(database).setting("ACCOUNT_LINKING", "explicit").start().await;
        // Joined while that was the rule.
        let mut tokens = Vec::new();
        for provider in ["google", "github"] {
            tokens.push(world.sign_in(provider, "ada").await);
        }
        let (id, other) = (id_of(&world, &tokens[0]).await, id_of(&world, &tokens[1]).await);
        world.database.execute(&format!("UPDATE identities SET user_id = '{id}' WHERE user_id = '{other}'"));
        told(&world, &["users", "unlink", "--id", &id, GITHUB]).await;
        let thief = world.profile(&world.sign_in("github", "ada").await).await;
        assert!(thief["id"] != id && thief["email"] == Value::Null, "{thief}");
    }

    /// Before or after the rule was written, at every sign-in.
    async fn c16_no_role_comes_by_a_refused_address(database) {
        let rules = "[[plugin.storage.config.rules]]\nname = \"x\"\ndomain = \"example.com\"\nroles = [\"Reader\"]\n";
        let world = World::builder(database)
            .setting("ALLOWED_SERVICES", "storage:roles")
            .config(rules)
            .start()
            .await;
        let (google, _, id) = both(&world).await;
        told(&world, &["users", "unlink", &id, GITHUB]).await;
        let permissions = async |token: &str| granted(&world, token, "storage").await["permissions"].clone();
        let thief = world.sign_in("github", "ada").await;
        assert_eq!(permissions(&thief).await, json!({}));
        told(&world, &["roles", "grant", "--role", "Administrator", "--email", "ada.moreau@example.com"]).await;
        told(&world, &["roles", "grant", "--role", "Administrator", "--domain", "example.com"]).await;
        for _ in 0..2 {
            let again = world.sign_in("github", "ada").await;
            assert_eq!((permissions(&thief).await, permissions(&again).await), (json!({}), json!({})));
        }
        assert_eq!(permissions(&google).await, json!({"execute": true, "read": true, "write": true}));
    }

    async fn c13_the_last_way_in_is_not_taken_away(database) {
        let mut world = World::on(database).await;
        let (google, github, id) = both(&world).await;
        told(&world, &["users", "unlink", &id, GITHUB]).await;
        let subject = world.profile(&google).await["provider_id"].as_str().unwrap().to_owned();
        let refused = command(&world, &["users", "unlink", &id, &subject]).await;
        assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""));
        assert!(refused.error.contains("is the last way in"), "{}", refused.error);
        world.until_signed_out(&github).await;
        assert!(world.is_signed_in(&google).await);

        // A second one, whose provider is removed, is none: also when somebody could sign in by it yesterday.
        let corporate = world.sign_in("corporate", "ada").await;
        assert_eq!(id_of(&world, &corporate).await, id);
        world.replace_corporate("").await;
        let refused = command(&world, &["users", "unlink", &id, &subject]).await;
        assert!(refused.error.contains("is the last way in"), "{}", refused.error);
        assert!(world.is_signed_in(&google).await);
        let employee = world.control().find_persona("ada").unwrap().corporate["sub"].as_str().unwrap().to_owned();
        told(&world, &["users", "unlink", &id, &format!("corporate:{employee}")]).await;
    }
}

/// The address of a link may be gone at the provider. The link stays, for the subject decides; its address counts no more,
/// and the operator sees it and can take it away.
#[tokio::test(flavor = "multi_thread")]
async fn c4_a_link_whose_address_is_gone_is_seen_and_can_be_taken_away() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (_, _, id) = both(&world).await;
    let mut ada = world.control().find_persona("ada").unwrap();
    ada.github.emails = json!([{"email": "new@example.net", "primary": true, "verified": true}]);
    world.control().put_persona(ada);
    let by_github = world.sign_in("github", "ada").await;
    assert_eq!(id_of(&world, &by_github).await, id);
    let shown = told(&world, &["users", "show", &id]).await;
    assert!(shown.contains(&format!(" {GITHUB} new@example.net\n")), "{shown}");
    told(&world, &["users", "unlink", &id, GITHUB]).await;
    world.until_signed_out(&by_github).await;
    let thief = world.profile(&world.sign_in("github", "ada").await).await;
    assert!(thief["id"] != id && thief["email"] == Value::Null, "{thief}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unlinked_has_to_be_named_rightly() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (_, _, id) = both(&world).await;
    for (arguments, status, reason) in [
        (&["users", "unlink", &id][..], 2, "<PROVIDER:SUBJECT>"),
        (&["users", "unlink", &id, "github"], 2, "expected the provider and the subject"),
        (&["users", "unlink", &id, "Git Hub:1"], 2, "a provider's name has"),
        (&["users", "unlink", &id, "github:1"], 1, "has no identity github:1"),
        (&["users", "unlink", "nobody", GITHUB], 1, "no user has the id or username"),
    ] {
        let outcome = command(&world, arguments).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(status), ""), "{arguments:?}");
        assert!(outcome.error.contains(reason), "{arguments:?}: {}", outcome.error);
    }
}
