//! A provider is removed from the settings, or its name leads to another issuer.

use serde_json::{Value, json};
use vestibule_provider_emulator::{Persona, Provider, RedirectPolicy};
use vestibule_test_support::TestDatabase;

use crate::authorize::granted;
use crate::commands::Outcome;
use crate::world::{World, WorldBuilder, on_both_databases, provider_table};

/// Beside the trust in its addresses: what the rule goes by.
const CORPORATE: &str = "trust_email = true\nclaims = [\"groups\"]";

/// The plugin `roles`, whose rule makes the admins of the corporate directory administrators.
fn with_a_rule(database: TestDatabase) -> WorldBuilder {
    let rule = "[[plugin.storage.config.rules]]\nname = \"admins\"\nroles = [\"Administrator\"]\n\
        claim = { provider = \"corporate\", name = \"groups\", value = \"admins\" }\n";
    World::builder(database).setting("ALLOWED_SERVICES", "storage:roles").config(rule).corporate(CORPORATE)
}

async fn permissions(world: &World, token: &str) -> Value {
    granted(world, token, "storage").await["permissions"].clone()
}

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

fn all() -> Value {
    json!({"execute": true, "read": true, "write": true})
}

/// The table that the corporate issuer has from the beginning.
fn as_before(world: &World) -> String {
    provider_table(
        "corporate",
        &world.emulator.corporate_issuer(),
        world.emulator.corporate_client(),
        CORPORATE,
    )
}

on_both_databases! {
    async fn c7_what_came_by_a_provider_that_is_removed_counts_for_nothing(database) {
        let mut world = with_a_rule(database).start().await;
        let corporate = world.sign_in("corporate", "ada").await;
        let google = world.sign_in("google", "ada").await;
        assert_eq!(id_of(&world, &google).await, id_of(&world, &corporate).await);
        assert_eq!(permissions(&world, &google).await, all());

        world.replace_corporate("").await;
        assert!(!world.is_signed_in(&corporate).await, "it came by the provider");
        assert!(world.is_signed_in(&google).await);
        let again = world.sign_in("google", "ada").await;
        for token in [&google, &again] {
            assert_eq!(permissions(&world, token).await, json!({}));
        }
        let nothing = world.get_as(&corporate, "/auth/authorize?service=storage").await.json();
        assert_eq!(nothing, json!({"permissions": {}}));
        let id = id_of(&world, &google).await;
        let shown = told(&world, &["users", "show", &id]).await;
        assert!(shown.contains(", counts for nothing: its provider is not configured\n"), "{shown}");
        assert!(!shown.contains(" by corporate:"), "nor is its session among the living: {shown}");
        let explained =
            told(&world, &["permissions", "explain", "--user", &id, "--service", "storage"]).await;
        assert!(explained.ends_with("because      no rule applies\n"), "{explained}");
        let line = format!("identities of corporate at {}, which is not configured (1)", world.emulator.corporate_issuer());
        assert!(world.program.logs().contains(&line), "{}", world.program.logs());

        world.replace_corporate(&as_before(&world)).await;
        assert_eq!(permissions(&world, &google).await, all(), "nothing was lost");
    }

    async fn c7_who_signs_out_while_the_provider_is_gone_stays_so_when_it_comes_back(database) {
        let mut world = with_a_rule(database).start().await;
        let one = world.sign_in("corporate", "ada").await;
        let everywhere = world.sign_in("corporate", "linus").await;
        let other = world.sign_in("corporate", "linus").await;
        let table = as_before(&world);
        world.replace_corporate("").await;
        for (token, all) in [(&one, "false"), (&everywhere, "true")] {
            let answer = world.post_as(token, "/auth/logout", &[("all", all)]).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
        }
        world.replace_corporate(&table).await;
        for token in [&one, &everywhere, &other] {
            assert!(!world.is_signed_in(token).await);
        }
    }

    /// The subject of one issuer is not that of another, whatever the name in the settings.
    async fn c7_a_name_that_leads_to_another_issuer_is_another_provider(database) {
        let world = with_a_rule(database).without("GOOGLE_KEY").without("GOOGLE_SECRET");
        let mut world = world.start().await;
        let mut one = Persona::ordinary("one", "One", 1);
        one.corporate["sub"] = json!("1");
        one.corporate["groups"] = json!(["admins"]);
        world.control().put_persona(one);
        let before = world.sign_in("corporate", "one").await;
        let github = world.sign_in("github", "one").await;
        let id = id_of(&world, &before).await;
        assert_eq!(id_of(&world, &github).await, id);
        assert_eq!((permissions(&world, &before).await, permissions(&world, &github).await), (all(), all()));

        world.control().set_redirect_uris(Provider::Google, RedirectPolicy::AnyLoopback);
        let (issuer, client) = (world.emulator.google_issuer(), world.emulator.google_client().clone());
        world.replace_corporate(&provider_table("corporate", &issuer, &client, CORPORATE)).await;
        let mut two = Persona::ordinary("two", "Two", 2);
        two.google["sub"] = json!("1");
        world.control().put_persona(two);
        let stranger = world.sign_in("corporate", "two").await;
        let profile = world.profile(&stranger).await;
        assert_eq!(profile["provider_id"], "corporate:1");
        assert_ne!(profile["id"], id);
        assert_eq!(permissions(&world, &stranger).await, json!({}));
        assert!(!world.is_signed_in(&before).await);
        let again = world.sign_in("github", "one").await;
        for token in [&github, &again] {
            assert_eq!(permissions(&world, token).await, json!({}), "the claim was another issuer's");
        }
        let line = format!("identities of corporate at {}, which is not configured (1)", world.emulator.corporate_issuer());
        assert!(world.program.logs().contains(&line), "{}", world.program.logs());

        let forgotten = told(&world, &["providers", "forget", "corporate"]).await;
        assert!(forgotten.ends_with("corporate: removed; identities: 1, sessions that ended: 1\n"), "{forgotten}");
        assert!(world.is_signed_in(&stranger).await, "whom the name leads to now is not forgotten");
    }

    /// An account that only a removed provider vouches for does not hold an address against its owner.
    async fn c5_an_address_that_a_removed_provider_stated_joins_nobody(database) {
        let mut world = with_a_rule(database).start().await;
        let mut squatter = Persona::ordinary("squatter", "Squatter", 666);
        squatter.corporate["email"] = json!("victim@example.com");
        world.control().put_persona(squatter);
        let corporate = world.sign_in("corporate", "squatter").await;
        let id = id_of(&world, &corporate).await;
        world.replace_corporate("").await;
        world.control().put_persona(Persona::ordinary("victim", "Victim", 7));
        let victim = world.profile(&world.sign_in("google", "victim").await).await;
        assert_eq!(victim["email"], "victim@example.com");
        assert_ne!(victim["id"], id);
        assert_eq!(world.profile(&world.sign_in("github", "victim").await).await["id"], victim["id"]);
    }

    async fn c7_what_a_removed_provider_left_is_forgotten_when_the_operator_says_so(database) {
        let mut world = with_a_rule(database).start().await;
        let joined = [world.sign_in("google", "ada").await, world.sign_in("corporate", "ada").await];
        let lone = world.sign_in("corporate", "linus").await;
        let lone_id = id_of(&world, &lone).await;
        let refused = command(&world, &["providers", "forget", "corporate"]).await;
        assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""), "it is configured");
        assert!(refused.error.contains("corporate: it has left nothing"), "{}", refused.error);

        world.replace_corporate("").await;
        let issuer = world.emulator.corporate_issuer();
        let said = format!(
            "corporate: identities of {issuer}: 2\n\
             corporate: users who have no other way to sign in, and stay: 1\n"
        );
        let dry = told(&world, &["providers", "forget", "corporate", "--dry-run"]).await;
        assert_eq!(dry, format!("{said}corporate: nothing is removed\n"));
        let forgotten = told(&world, &["providers", "forget", "corporate"]).await;
        assert_eq!(forgotten, format!("{said}corporate: removed; identities: 2, sessions that ended: 2\n"));
        let again = command(&world, &["providers", "forget", "corporate"]).await;
        assert_eq!((again.status, again.out.as_str()), (Some(1), ""));
        let events = told(&world, &["audit", "list", "--event", "provider.forgotten"]).await;
        assert!(events.contains("by operator  provider=corporate  details={\"identities\":2}"), "{events}");
        assert!(told(&world, &["users", "list"]).await.contains(&lone_id), "the user stays");

        // With the provider come back strangers, and nothing that was removed lives again.
        world.replace_corporate(&as_before(&world)).await;
        assert!(!world.is_signed_in(&joined[1]).await && !world.is_signed_in(&lone).await);
        let linus = world.sign_in("corporate", "linus").await;
        assert_ne!(id_of(&world, &linus).await, lone_id);
        let ada = world.sign_in("corporate", "ada").await;
        assert_eq!(id_of(&world, &ada).await, id_of(&world, &joined[0]).await, "by the address, as at first");
        assert!(!world.is_signed_in(&joined[1]).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_forgotten_has_to_be_named_rightly() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (arguments, status, reason) in [
        (&["providers", "forget"][..], 2, "<NAME>"),
        (&["providers", "forget", "Not a name"], 2, "a provider's name has"),
        (&["providers", "forget", "unknown"], 1, "unknown: it has left nothing"),
    ] {
        let outcome = command(&world, arguments).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(status), ""), "{arguments:?}");
        assert!(outcome.error.contains(reason), "{arguments:?}: {}", outcome.error);
    }
}
