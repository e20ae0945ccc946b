//! Which sign-ins are the same user, and which are not.

use serde_json::{Value, json};
use vestibule_domain::{AccountLinking, UserIdScheme};
use vestibule_provider_emulator::Persona;
use vestibule_test_support::on_both_databases;

use crate::app::{PROVIDERS, TestApp};

const VICTIM: &str = "victim@example.com";

/// Somebody whose address is this one everywhere, verified.
fn person(id: &str, number: u32, address: &str) -> Persona {
    Persona::ordinary(id, id, number).with_email(address)
}

/// The profile of this person after one more sign-in.
async fn sign_in(app: &TestApp, provider: &str, persona: &Persona) -> Value {
    app.control().put_persona(persona.clone());
    let token = app.sign_in(provider, &persona.id).await;
    app.profile(&token).await
}

fn assert_same(one: &Value, other: &Value) {
    assert_eq!(one["id"], other["id"], "{one} {other}");
}

fn assert_different(one: &Value, other: &Value) {
    assert_ne!(one["id"], other["id"], "{one} {other}");
}

on_both_databases! {
    /// A number at one provider says nothing about the same number at another.
    async fn c3_the_same_subject_at_two_issuers_is_two_people(database) {
        let app = TestApp::on(database).await;
        let mut users = Vec::new();
        for (number, provider) in (1..).zip(PROVIDERS) {
            let mut persona = person(&format!("p{number}"), number, &format!("p{number}@example.com"));
            persona.google["sub"] = json!("12345");
            persona.corporate["sub"] = json!("12345");
            persona.github.user["id"] = json!(12345);
            let profile = sign_in(&app, provider, &persona).await;
            assert_eq!(profile["provider_id"], format!("{provider}:12345"));
            users.push(profile);
        }
        assert_different(&users[0], &users[1]);
        assert_different(&users[1], &users[2]);
        assert_different(&users[0], &users[2]);
    }

    /// The default, and what users of Google and GitHub with one address expect.
    async fn c3_an_address_verified_on_both_sides_joins(database) {
        let app = TestApp::on(database).await;
        let first = sign_in(&app, "google", &person("one", 1, "Ada@Example.com")).await;
        let other_spelling = person("two", 2, "ada@example.COM");
        let second = sign_in(&app, "github", &other_spelling).await;
        assert_same(&first, &second);
        assert_eq!(second["provider_id"], "github:2");
        // From now on the identity itself is known, whatever becomes of its address.
        let mut without_address = other_spelling;
        without_address.github.emails = json!([]);
        without_address.github.user["email"] = Value::Null;
        assert_same(&first, &sign_in(&app, "github", &without_address).await);
    }

    async fn c4_with_explicit_linking_no_address_joins_anything(database) {
        let app = TestApp::builder(database).flows(|flows| flows.account_linking = AccountLinking::Explicit).build().await;
        let ada = person("ada", 1, "ada@example.com");
        let google = sign_in(&app, "google", &ada).await;
        let github = sign_in(&app, "github", &ada).await;
        let corporate = sign_in(&app, "corporate", &ada).await;
        assert_different(&google, &github);
        assert_different(&github, &corporate);
        assert_different(&google, &corporate);
        for (provider, first) in [("google", &google), ("github", &github), ("corporate", &corporate)] {
            assert_same(first, &sign_in(&app, provider, &ada).await);
        }
    }

    /// GitHub gives a login that was given up to whoever asks next.
    async fn c4_a_login_that_changes_hands_takes_no_account_along(database) {
        let app = TestApp::on(database).await;
        let mut before = person("before", 100, "before@example.com");
        before.github.user["login"] = json!("octo");
        let owner = sign_in(&app, "github", &before).await;

        before.github.user["login"] = json!("octo-retired");
        before.github.user["name"] = json!("New Name");
        let renamed = sign_in(&app, "github", &before).await;
        assert_same(&owner, &renamed);
        assert_eq!(renamed["name"], "New Name");

        let mut successor = person("after", 200, "after@example.com");
        successor.github.user["login"] = json!("octo");
        assert_different(&owner, &sign_in(&app, "github", &successor).await);
    }

    /// Whoever gets an address after somebody gave it up is not that somebody.
    async fn c4_an_address_that_changes_hands_takes_no_account_along(database) {
        let app = TestApp::on(database).await;
        let mut ada = person("ada", 1, "old@example.com");
        let before = sign_in(&app, "google", &ada).await;
        assert_eq!(before["email"], "old@example.com");

        ada.google["email"] = json!("new@example.com");
        let after = sign_in(&app, "google", &ada).await;
        assert_same(&before, &after);
        assert_eq!(after["email"], "new@example.com");

        let heir = sign_in(&app, "github", &person("heir", 2, "old@example.com")).await;
        assert_different(&before, &heir);
        assert_eq!(heir["email"], "old@example.com");
        let friend = sign_in(&app, "corporate", &person("ada-at-work", 3, "new@example.com")).await;
        assert_same(&before, &friend);
    }

    /// Where ids follow from addresses, the id of whoever had the address before is not the next one's.
    async fn c4_with_email_md5_an_address_that_changes_hands_gives_a_new_id(database) {
        let app = TestApp::builder(database).flows(|flows| flows.user_id_scheme = UserIdScheme::EmailMd5).build().await;
        let mut ada = person("ada", 1, "ada.moreau@example.com");
        let before = sign_in(&app, "google", &ada).await;
        assert_eq!(before["id"], "58b7028e8b0039eb0585b83edd9966f3");
        ada.google["email"] = json!("new@example.com");
        assert_same(&before, &sign_in(&app, "google", &ada).await);
        let heir = sign_in(&app, "google", &person("heir", 2, "ada.moreau@example.com")).await;
        assert_different(&before, &heir);
        assert_eq!(heir["email"], "ada.moreau@example.com");
    }

    /// Services keep the id for whoever holds the address; who only states it, while another holds it, gets a random one.
    async fn c4_with_email_md5_an_address_that_another_holds_makes_no_id(database) {
        let app = TestApp::builder(database)
            .flows(|flows| flows.user_id_scheme = UserIdScheme::EmailMd5)
            .flows(|flows| flows.account_linking = AccountLinking::Explicit)
            .build()
            .await;
        let mut ada = person("ada", 1, "ada.moreau@example.com");
        let before = sign_in(&app, "google", &ada).await;
        ada.google["email"] = json!("new@example.com");
        let after = sign_in(&app, "google", &ada).await;
        assert_same(&before, &after);
        assert_eq!(after["email"], "new@example.com");
        // The id that would follow from her address is free, and so is not what keeps the stranger from it.
        let stranger = sign_in(&app, "github", &person("stranger", 2, "new@example.com")).await;
        assert_different(&before, &stranger);
        assert_ne!(stranger["id"], "b681d72feaf8bf6a93d9a8ab86679ec3");
    }

    /// The attacker holds the victim's address unverified before the victim first comes.
    async fn c5_an_account_opened_in_advance_gets_nothing_of_its_victim(database) {
        let app = TestApp::on(database).await;
        let mut attacker = person("attacker", 666, VICTIM);
        attacker.google["email_verified"] = json!(false);
        attacker.corporate["email_verified"] = json!(false);
        attacker.github.emails[0]["verified"] = json!(false);
        app.control().put_persona(attacker.clone());
        let mut tokens = Vec::new();
        for provider in PROVIDERS {
            tokens.push(app.sign_in(provider, "attacker").await);
        }

        let victim = sign_in(&app, "google", &person("victim", 7, VICTIM)).await;
        assert_eq!(victim["email"], VICTIM);
        for token in &tokens {
            let earlier = app.profile(token).await;
            assert_different(&victim, &earlier);
            assert_eq!(earlier["email"], Value::Null);
        }
        for provider in PROVIDERS {
            let again = sign_in(&app, provider, &attacker).await;
            assert_different(&victim, &again);
            assert_eq!(again["email"], Value::Null);
        }
        assert_same(&victim, &sign_in(&app, "github", &person("victim", 7, VICTIM)).await);
    }

    /// An address that the attacker's provider stops vouching for no longer makes the attacker its holder.
    async fn c5_an_address_that_is_no_longer_verified_joins_nobody(database) {
        let app = TestApp::on(database).await;
        let mut former = person("former", 1, VICTIM);
        let employee = sign_in(&app, "corporate", &former).await;
        assert_eq!(employee["email"], VICTIM);
        former.corporate["email_verified"] = json!(false);
        let left = sign_in(&app, "corporate", &former).await;
        assert_same(&employee, &left);
        assert_eq!(left["email"], Value::Null);
        assert_different(&employee, &sign_in(&app, "google", &person("new", 2, VICTIM)).await);
    }
}

/// GitHub lists many verified addresses. Only the primary one says who somebody is: another may be one that the person once
/// added and forgot, or that somebody else reads by now.
#[tokio::test(flavor = "multi_thread")]
async fn c1_only_the_primary_address_joins_whatever_else_is_verified() {
    let app = TestApp::new().await;
    let known = sign_in(&app, "google", &person("known", 1, "known@example.com")).await;
    let address =
        |email: &str, primary, verified| json!({"email": email, "primary": primary, "verified": verified});
    let mut secondary = person("secondary", 2, "primary@example.com");
    secondary.github.emails =
        json!([address("known@example.com", false, true), address("primary@example.com", true, true)]);
    let stranger = sign_in(&app, "github", &secondary).await;
    assert_different(&known, &stranger);
    assert_eq!(stranger["email"], "primary@example.com");

    let mut unverified = person("unverified", 3, "unverified@example.com");
    unverified.github.emails =
        json!([address("unverified@example.com", true, false), address("known@example.com", false, true)]);
    let nobody = sign_in(&app, "github", &unverified).await;
    assert_different(&known, &nobody);
    assert_eq!(nobody["email"], Value::Null);

    let mut primary = person("primary", 4, "known@example.com");
    primary.github.emails =
        json!([address("other@example.com", false, true), address("known@example.com", true, true)]);
    assert_same(&known, &sign_in(&app, "github", &primary).await);
}

/// Two people whose addresses cross: each identity stays with its user, and nobody takes the other's address.
#[tokio::test(flavor = "multi_thread")]
async fn c4_swapped_addresses_swap_no_accounts() {
    let app = TestApp::new().await;
    let (mut one, mut two) = (person("one", 1, "one@example.com"), person("two", 2, "two@example.com"));
    let (first, second) = (sign_in(&app, "google", &one).await, sign_in(&app, "google", &two).await);
    one.google["email"] = json!("two@example.com");
    two.google["email"] = json!("one@example.com");
    assert_same(&first, &sign_in(&app, "google", &one).await);
    assert_same(&second, &sign_in(&app, "google", &two).await);
    assert_same(&first, &sign_in(&app, "google", &one).await);
}
