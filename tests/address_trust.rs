//! C18: a provider that states an address as verified is believed about others as far as the operator says, and no further.

use serde_json::{Value, json};
use vestibule_provider_emulator::Persona;
use vestibule_test_support::TestDatabase;

use crate::authorize::granted;
use crate::commands::Outcome;
use crate::world::{TRUSTED, World, WorldBuilder, on_both_databases};

const BOSS: &str = "boss@corp.example";

/// The plugin `roles`, whose rules make whoever has the boss's address, or one of the domain, an administrator.
fn with_rules(database: TestDatabase, more: &str) -> WorldBuilder {
    let rule = |name: &str, subject: &str| {
        format!(
            "[[plugin.storage.config.rules]]\nname = \"{name}\"\n{subject}\nroles = [\"Administrator\"]\n{more}\n"
        )
    };
    let rules =
        [rule("the boss", &format!("email = \"{BOSS}\"")), rule("the company", "domain = \"corp.example\"")];
    World::builder(database)
        .setting("ALLOWED_SERVICES", "storage:roles;reports:sample-permissions")
        .config(&rules.concat())
}

/// Somebody whose providers all state this address as verified.
fn person(id: &str, number: u32, address: &str) -> Persona {
    Persona::ordinary(id, id, number).with_email(address)
}

async fn sign_in(world: &World, provider: &str, persona: Persona) -> String {
    let id = persona.id.clone();
    world.control().put_persona(persona);
    world.sign_in(provider, &id).await
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

fn all() -> Value {
    json!({"execute": true, "read": true, "write": true})
}

/// A liar at the corporate issuer gets nothing of the boss by his address, whatever the linking.
async fn assert_contained(world: &World) {
    let boss = sign_in(world, "google", person("boss", 1, BOSS)).await;
    let boss_id = world.profile(&boss).await["id"].clone();
    for subject in [["--email", BOSS], ["--domain", "corp.example"]] {
        let grant =
            [&["roles", "grant", "--role", "Administrator", "--service", "storage"][..], &subject].concat();
        told(world, &grant).await;
    }
    for _ in 0..2 {
        let liar = sign_in(world, "corporate", person("liar", 666, BOSS)).await;
        let profile = world.profile(&liar).await;
        assert_ne!(profile["id"], boss_id);
        assert_eq!(profile["email"], Value::Null);
        assert_eq!(permissions(world, &liar).await, json!({}));
    }
    assert_eq!(permissions(world, &boss).await, all());
}

on_both_databases! {
    async fn c18_a_provider_that_lies_about_addresses_gains_nothing_by_them(database) {
        assert_contained(&with_rules(database, "").corporate("").start().await).await;
    }

    async fn c18_nor_does_it_with_explicit_linking(database) {
        let world = with_rules(database, "").corporate("").setting("ACCOUNT_LINKING", "explicit");
        assert_contained(&world.start().await).await;
    }

    /// The liar comes first and the boss afterwards.
    async fn c18_an_address_that_does_not_count_is_not_kept_from_its_owner(database) {
        let world = with_rules(database, "").corporate("").start().await;
        let liar = sign_in(&world, "corporate", person("liar", 666, BOSS)).await;
        let liar_id = world.profile(&liar).await["id"].as_str().unwrap().to_owned();
        let boss = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        assert_ne!(boss["id"], liar_id);
        assert_eq!(boss["email"], BOSS);
        let github = world.profile(&sign_in(&world, "github", person("boss", 1, BOSS)).await).await;
        assert_eq!(github["id"], boss["id"]);
        let shown = told(&world, &["users", "show", &liar_id]).await;
        assert!(shown.contains("email     -\n"), "{shown}");
        assert!(shown.contains(&format!(" corporate:employee-666 {BOSS}, which does not count\n")), "{shown}");
    }

    async fn c18_a_trusted_domain_counts_and_no_other_does(database) {
        let trust = "trusted_email_domains = [\"corp.example\"]";
        let world = with_rules(database, "").corporate(trust).start().await;
        let boss = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        let employee = sign_in(&world, "corporate", person("boss", 2, BOSS)).await;
        assert_eq!(world.profile(&employee).await["id"], boss["id"]);
        assert_eq!(permissions(&world, &employee).await, all());
        let victim = world.profile(&sign_in(&world, "google", person("victim", 3, "v@home.example")).await).await;
        let liar = sign_in(&world, "corporate", person("liar", 666, "v@home.example")).await;
        let liar = world.profile(&liar).await;
        assert!(liar["id"] != victim["id"] && liar["email"] == Value::Null, "{liar}");
    }

    /// Entra ID says nothing of verification, Keycloak with LDAP says no: over its own domain it is the authority all the same.
    async fn c18_the_authority_over_a_domain_is_believed_without_a_statement(database) {
        let trust = "trusted_email_domains = [\"corp.example\"]";
        let world = with_rules(database, "").corporate(trust).start().await;
        let boss = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        for (id, number, statement) in [("silent", 2, Value::Null), ("denying", 3, json!(false)), ("odd", 4, json!(7))] {
            let mut employee = person(id, number, BOSS);
            employee.corporate["email_verified"] = statement;
            let employee = sign_in(&world, "corporate", employee).await;
            assert_eq!(world.profile(&employee).await["id"], boss["id"], "{id}");
            assert_eq!(permissions(&world, &employee).await, all());
        }
        assert!(!world.program.logs().contains("counts for nothing"), "{}", world.program.logs());
        let mut home = person("home", 5, "v@home.example");
        home.corporate["email_verified"] = json!(false);
        let mut other = person("other", 6, "w@home.example");
        other.corporate["email_verified"] = Value::Null;
        for stranger in [home, other] {
            let profile = world.profile(&sign_in(&world, "corporate", stranger).await).await;
            assert_eq!(profile["email"], Value::Null);
        }
        let logs = world.program.logs();
        assert_eq!(logs.matches("so it counts for nothing").count(), 1, "{logs}");
        assert!(logs.contains("trusted_email_domains of [providers.corporate]") && !logs.contains("home.example"));
    }

    /// Trust that is taken back counts no more from the next start on, also for who signed in before.
    async fn c18_trust_that_is_withdrawn_takes_its_addresses_along(database) {
        let mut world = with_rules(database, "").start().await;
        let liar = sign_in(&world, "corporate", person("liar", 666, BOSS)).await;
        assert_eq!(permissions(&world, &liar).await, all());
        let (issuer, client) = (world.emulator.corporate_issuer(), world.emulator.corporate_client().clone());
        world.replace_corporate(&crate::world::provider_table("corporate", &issuer, &client, "")).await;
        assert_eq!(world.profile(&liar).await["email"], Value::Null, "the session goes on, the address is gone");
        assert_eq!(permissions(&world, &liar).await, json!({}));
        assert!(told(&world, &["users", "list"]).await.contains("  -  -  "), "nor has the operator's list it");
        let boss = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        assert_ne!(boss["id"], world.profile(&liar).await["id"]);
    }

    /// The provider's own statements count from then on; what it never stated does not, also if the person never comes again.
    async fn c18_an_address_by_authority_alone_counts_no_more_when_the_authority_is_taken_back(database) {
        let trust = "trusted_email_domains = [\"corp.example\"]";
        let mut world = with_rules(database, "").corporate(trust).start().await;
        let mut liar = person("liar", 666, BOSS);
        liar.corporate["email_verified"] = json!(false);
        let liar = sign_in(&world, "corporate", liar).await;
        assert_eq!(world.profile(&liar).await["email"], BOSS);
        let (issuer, client) = (world.emulator.corporate_issuer(), world.emulator.corporate_client().clone());
        world.replace_corporate(&crate::world::provider_table("corporate", &issuer, &client, TRUSTED)).await;
        assert_eq!(world.profile(&liar).await["email"], Value::Null);
        assert_eq!(permissions(&world, &liar).await, json!({}));
        let boss = sign_in(&world, "google", person("boss", 1, BOSS)).await;
        assert_ne!(world.profile(&boss).await["id"], world.profile(&liar).await["id"]);
        assert_eq!(world.profile(&boss).await["email"], BOSS);
    }

    async fn c18_who_administers_the_service_is_joined_by_no_address(database) {
        let world = World::on(database).await;
        let boss = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        let id = boss["id"].as_str().unwrap();
        told(&world, &["roles", "grant", "--role", "Reader", "--user", id, "--service", "vestibule"]).await;
        // Google has vouched for the address, and whoever has taken over the account at GitHub brings it as well.
        let github = world.profile(&sign_in(&world, "github", person("taken-over", 2, BOSS)).await).await;
        let corporate = world.profile(&sign_in(&world, "corporate", person("liar", 3, BOSS)).await).await;
        assert!(github["id"] != boss["id"] && corporate["id"] != boss["id"], "{github} {corporate}");
        for (provider, number, is_new) in [("github", 2, &github), ("corporate", 3, &corporate)] {
            let name = if number == 2 { "taken-over" } else { "liar" };
            let again = world.profile(&sign_in(&world, provider, person(name, number, BOSS)).await).await;
            assert_eq!(again["id"], is_new["id"], "and no sign-in ends in an endless search");
        }
        let again = world.profile(&sign_in(&world, "google", person("boss", 1, BOSS)).await).await;
        assert_eq!(again["id"], boss["id"]);
    }

    /// A rule and an assignment may name the one provider whose word they go by.
    async fn c18_a_rule_with_a_provider_goes_by_its_word_alone(database) {
        let world = with_rules(database, "provider = \"google\"").start().await;
        let grant = ["roles", "grant", "--role", "Writer", "--domain", "home.example", "--provider", "google"];
        assert_eq!(
            told(&world, &grant).await,
            "Writer  every service  email domain home.example by google: granted\n"
        );
        let other = sign_in(&world, "corporate", person("other", 1, BOSS)).await;
        assert_eq!(permissions(&world, &other).await, json!({}));
        let home = sign_in(&world, "corporate", person("home", 2, "a@home.example")).await;
        assert_eq!(permissions(&world, &home).await, json!({}));
        let boss = sign_in(&world, "google", person("boss", 3, BOSS)).await;
        assert_eq!(permissions(&world, &boss).await, all());
        let home = sign_in(&world, "google", person("home", 4, "b@home.example")).await;
        assert_eq!(permissions(&world, &home).await, json!({"write": true}));
        let revoke = ["roles", "revoke", "--role", "Writer", "--domain", "home.example"];
        assert_eq!(command(&world, &revoke).await.status, Some(1), "that would be another one");
        told(&world, &[&revoke[..], &["--provider", "google"]].concat()).await;
        assert_eq!(permissions(&world, &home).await, json!({}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_roles_at_the_service_itself_are_granted_to_users_alone() {
    let world = World::on(TestDatabase::sqlite()).await;
    let id = world.profile(&world.sign_in("google", "ada").await).await["id"].as_str().unwrap().to_owned();
    for (arguments, reason) in [
        (&["--role", "Administrator", "--email", BOSS][..], "granted to users, by --user alone"),
        (&["--role", "Administrator", "--domain", "corp.example"], "granted to users, by --user alone"),
        (&["--role", "Administrator", "--organization", "42"], "granted to users, by --user alone"),
        (&["--role", "Reader", "--user", &id, "--provider", "google"], "granted to users, by --user alone"),
        (&["--role", "Writer", "--user", &id], "Reader, Moderator and Administrator"),
    ] {
        let grant = [&["roles", "grant", "--service", "vestibule"], arguments].concat();
        let outcome = command(&world, &grant).await;
        assert_eq!((outcome.status, outcome.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(outcome.error.contains(reason), "{arguments:?}: {}", outcome.error);
    }
    let spelt = ["roles", "grant", "--role", "Reader", "--user", &id, "--service", "Vestibule"];
    assert!(command(&world, &spelt).await.error.contains("in small letters"));
    assert_eq!(told(&world, &["roles", "list"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_and_the_check_say_whose_addresses_count() {
    let google = "[providers.google]\ntrust_email = false\ntrusted_email_domains = [\"corp.example\"]\n";
    let world = World::builder(TestDatabase::sqlite()).corporate(&format!("\n{google}")).start().await;
    let lines = [
        "of google count if they are of corp.example and it states that they are verified",
        "of github count if it states that they are verified",
        "of corporate do not count beyond it; trust_email or trusted_email_domains of [providers.corporate] lets them",
    ];
    let checked = told(&world, &["config", "check"]).await;
    for line in lines {
        assert!(world.program.logs().contains(line), "{line}: {}", world.program.logs());
        assert!(checked.contains(line), "{line}: {checked}");
    }
    let world = World::builder(TestDatabase::sqlite()).corporate(TRUSTED).start().await;
    assert!(
        world.program.logs().contains("those of corporate count if it states that they are verified\n"),
        "{}",
        world.program.logs()
    );
}
