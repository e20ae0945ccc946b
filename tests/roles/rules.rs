//! Each kind of rule, for people who sign in at the providers.

use serde_json::json;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::TestDatabase;

use super::{RulesFile, id_of, permissions, with_rules};
use crate::world::{World, on_both_databases};

const RULES: &str = r#"
[roles]
Reader = ["read"]
Writer = ["write"]
Owner = ["own"]
Guest = ["look"]
Auditor = ["audit"]

[[rules]]
name = "ada by address"
email = "ADA.Moreau@example.com"
roles = ["Reader"]

[[rules]]
name = "everybody of the company"
domain = "example.com"
roles = ["Writer"]
services = ["storage"]

[[rules]]
name = "acme"
organization = "ACME"
roles = ["Owner"]

[[rules]]
name = "admins of the issuer"
claim = { provider = "google", name = "groups", value = "admins" }
roles = ["Guest"]

[[rules]]
name = "the hosted domain"
claim = { name = "hd", value = "example.com" }
roles = ["Auditor"]
services = ["reports"]
"#;

on_both_databases! {
    async fn every_kind_of_rule_counts_for_those_whom_it_means(database) {
        let file = RulesFile::new(RULES);
        let world = with_rules(database, &file.path()).start().await;

        let linus = world.sign_in("github", "linus").await;
        assert_eq!(permissions(&world, &linus, "storage").await, json!({"own": true}));

        let ada = world.sign_in("google", "ada").await;
        let by_google = json!({"look": true, "read": true, "write": true});
        assert_eq!(permissions(&world, &ada, "storage").await, by_google);
        let at_reports = json!({"audit": true, "look": true, "read": true});
        assert_eq!(permissions(&world, &ada, "reports").await, at_reports);

        // The same user by another identity: both count, whichever the person came with.
        let again = world.sign_in("github", "ada").await;
        assert_eq!(id_of(&world, &again).await, id_of(&world, &ada).await);
        let by_both = json!({"look": true, "own": true, "read": true, "write": true});
        for token in [&ada, &again] {
            assert_eq!(permissions(&world, token, "storage").await, by_both);
        }
    }
}

/// Keycloak's roles lie inside another claim. One that never comes is mentioned once, whoever signs in.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_inside_another_gives_its_role_and_one_that_never_comes_is_mentioned() {
    let rules = "[[rules]]\nname = \"staff\"\nclaim = { name = \"realm_access.roles\", value = \"staff\" }\nroles = [\"Writer\"]\n";
    let file = RulesFile::new(rules);
    let kept = "claims = [\"realm_access.roles\", \"never.there\"]";
    let world = with_rules(TestDatabase::sqlite(), &file.path()).corporate(kept).start().await;
    let parts = world.sign_in("corporate", "parts").await;
    assert_eq!(permissions(&world, &parts, "storage").await, json!({"write": true}));
    let linus = world.sign_in("corporate", "linus").await;
    assert_eq!(permissions(&world, &linus, "storage").await, json!({}));
    let logs = world.program.logs();
    let said: Vec<_> = logs.lines().filter(|line| line.contains("a claim that the settings keep")).collect();
    let [only] = said.as_slice() else { panic!("{said:?}") };
    assert!(only.contains("never.there") && only.contains("corporate"), "{only}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_an_unverified_address_gives_nothing() {
    let rules = "[[rules]]\nname = \"grace\"\nemail = \"grace.lindqvist@example.net\"\nroles = [\"Administrator\"]\n\
        [[rules]]\nname = \"her domain\"\ndomain = \"example.net\"\nroles = [\"Writer\"]\n";
    let file = RulesFile::new(rules);
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    for provider in ["google", "github", "corporate"] {
        let grace = world.sign_in(provider, "grace").await;
        assert_eq!(permissions(&world, &grace, "storage").await, json!({}), "{provider}");
    }
    let mut grace = world.control().find_persona("grace").unwrap();
    grace.google["email_verified"] = json!(true);
    world.control().put_persona(grace);
    let grace = world.sign_in("google", "grace").await;
    let all = json!({"read": true, "write": true, "execute": true});
    assert_eq!(permissions(&world, &grace, "storage").await, all);
}

/// A domain is neither its parent nor its neighbour, whoever owns those.
#[tokio::test(flavor = "multi_thread")]
async fn c8_an_address_that_looks_like_the_domain_gives_nothing() {
    let file = RulesFile::new("[[rules]]\nname = \"x\"\ndomain = \"example.com\"\nroles = [\"Writer\"]\n");
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let hosts = ["evil-example.com", "sub.example.com", "example.com.evil.org", "example.co"];
    for (host, number) in hosts.into_iter().zip(80..) {
        let mut persona = Persona::ordinary("mallory", "Mallory", number);
        persona.google["email"] = json!(format!("mallory@{host}"));
        world.control().put_persona(persona);
        let mallory = world.sign_in("google", "mallory").await;
        assert_eq!(permissions(&world, &mallory, "storage").await, json!({}), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_no_longer_states_counts_no_longer_after_the_next_sign_in() {
    let file = RulesFile::new(RULES);
    let world = with_rules(TestDatabase::sqlite(), &file.path()).start().await;
    let token = world.sign_in("github", "linus").await;
    assert_eq!(permissions(&world, &token, "storage").await, json!({"own": true}));
    let mut linus = world.control().find_persona("linus").unwrap();
    linus.github.join(&["kernel"]);
    world.control().put_persona(linus);
    world.sign_in("github", "linus").await;
    assert_eq!(permissions(&world, &token, "storage").await, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_settings_nothing_is_asked_of_the_providers() {
    let file = RulesFile::new(RULES);
    let world = with_rules(TestDatabase::sqlite(), &file.path())
        .setting("GITHUB_ORGANIZATIONS", "off")
        .setting("GOOGLE_CLAIMS", "")
        .start()
        .await;
    let browser = world.browser();
    let consent = world.start_sign_in(&browser, "github", crate::world::APP).await.location();
    let scope = consent.query_pairs().find(|(name, _)| name == "scope").unwrap().1;
    assert_eq!(scope, "read:user user:email");
    let ada = world.sign_in("github", "ada").await;
    world.sign_in("google", "ada").await;
    assert_eq!(permissions(&world, &ada, "reports").await, json!({"read": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_may_stand_in_the_settings_themselves() {
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "storage:roles")
        .config(
            "[plugin.storage.config]\nformat = \"list\"\ndefault_roles = [\"Reader\"]\n\
             [[plugin.storage.config.rules]]\nname = \"ada\"\nemail = \"ada.moreau@example.com\"\nroles = [\"Moderator\"]",
        )
        .start()
        .await;
    let ada = world.sign_in("google", "ada").await;
    let expected = json!({"roles": ["Moderator", "Reader"], "scopes": ["read", "write"]});
    assert_eq!(permissions(&world, &ada, "storage").await, expected);
    let other = world.sign_in("google", "no-name").await;
    assert_eq!(
        permissions(&world, &other, "storage").await,
        json!({"roles": ["Reader"], "scopes": ["read"]})
    );
}
