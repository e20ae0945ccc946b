//! Choosing a username, once, and finding people by it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::{Answer, Method, MovableClock, TestDatabase};

use crate::sign_out::start_neighbour;
use crate::world::{World, on_both_databases};

const FORM: &str =
    "a username has 2 to 32 letters, digits, hyphens or underscores, and starts with a letter or digit";
const RESERVED: &str = "this username is reserved";
const TAKEN: &str = "this username is taken";
const ALREADY_SET: &str = "the username is already set and cannot be changed";

/// How many at once the races let loose.
const CROWD: u32 = 50;

fn done() -> Value {
    json!({"success": true})
}

fn refused(reason: &str) -> Value {
    json!({"success": false, "error": reason})
}

/// POST of a body that is already encoded.
async fn update_encoded(world: &World, token: &str, body: &str) -> Answer {
    let browser = world.browser();
    let request = browser.request(Method::POST, "/auth/update").bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    browser.send(request.body(body.to_owned())).await
}

async fn choose(world: &World, token: &str, username: &str) -> Value {
    let answer = world.post_as(token, "/auth/update", &[("username", username)]).await;
    assert_eq!(answer.status, 200, "{username:?}: {}", answer.body);
    answer.json()
}

async fn resolve(world: &World, encoded_username: &str) -> Value {
    let answer = world.browser().get(&format!("/auth/resolve?username={encoded_username}")).await;
    assert_eq!(answer.status, 200, "{encoded_username}: {}", answer.body);
    answer.json()["userid"].clone()
}

/// Makes people who can sign in, and signs all of them in at once.
async fn sign_in_crowd(world: &Arc<World>, count: u32) -> Vec<String> {
    let mut sign_ins = JoinSet::new();
    for number in 1..=count {
        let id = format!("crowd-{number}");
        world.control().put_persona(Persona::ordinary(&id, &id, number));
        let world = Arc::clone(world);
        sign_ins.spawn(async move { world.sign_in("google", &id).await });
    }
    sign_ins.join_all().await
}

/// Sends all of these choices at once; what each was answered.
async fn race(world: &Arc<World>, choices: Vec<(String, String)>) -> Vec<(String, Value)> {
    let mut requests = JoinSet::new();
    for (token, username) in choices {
        let world = Arc::clone(world);
        requests.spawn(async move {
            let answer = choose(&world, &token, &username).await;
            (username, answer)
        });
    }
    requests.join_all().await
}

/// `wanted` with the bits of `mask` as capitals.
fn in_capitals(wanted: &str, mask: u32) -> String {
    let letters = wanted.chars().enumerate();
    letters.map(|(bit, c)| if mask >> bit & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect()
}

on_both_databases! {
    /// The contract's word: once.
    async fn f1_a_username_can_be_chosen_once(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].clone();
        assert_eq!(choose(&world, &token, "Ada").await, done());
        assert_eq!(world.profile(&token).await["username"], "ada");
        for again in ["ada", "ADA", "Ada", "grace"] {
            assert_eq!(choose(&world, &token, again).await, refused(ALREADY_SET), "{again}");
        }
        assert_eq!(world.profile(&token).await["username"], "ada");
        assert_eq!(resolve(&world, "ada").await, id);
        assert_eq!(resolve(&world, "grace").await, Value::Null);
    }

    /// Unique without regard to case.
    async fn f1_the_name_of_somebody_else_is_taken_in_any_case(database) {
        let world = World::on(database).await;
        let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
        assert_eq!(choose(&world, &ada, "moreau").await, done());
        for taken in ["moreau", "Moreau", "MOREAU"] {
            assert_eq!(choose(&world, &linus, taken).await, refused(TAKEN), "{taken}");
        }
        assert_eq!(choose(&world, &linus, "moreau_").await, done(), "who was refused may choose again");
    }

    /// Nobody chooses who is not signed in.
    async fn f1_without_a_good_token_nothing_is_set(database) {
        let clock = Arc::new(MovableClock::new());
        let world = World::builder(database).clock(&clock).start().await;
        let token = world.sign_in("google", "ada").await;
        let browser = world.browser();
        let not_signed_in = refused("not signed in");
        assert_eq!(browser.post_form("/auth/update", &[("username", "ada")]).await.json(), not_signed_in);
        assert_eq!(browser.post_form("/auth/update?username=ada&jwt=", &[]).await.json(), not_signed_in);
        assert_eq!(choose(&world, "not.a.token", "ada").await, not_signed_in);
        clock.advance(Duration::from_secs(14 * 24 * 3600 + 61));
        assert_eq!(choose(&world, &token, "ada").await, not_signed_in, "the token has expired");
        assert_eq!(resolve(&world, "ada").await, Value::Null);
    }

    /// One user in a hurry ends with one name.
    async fn f2_of_fifty_names_at_once_one_user_gets_exactly_one(database) {
        let world = Arc::new(World::on(database).await);
        let token = world.sign_in("google", "ada").await;
        let choices = (0..CROWD).map(|number| (token.clone(), format!("name-{number}"))).collect();
        let answers = race(&world, choices).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| *answer == done());
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(lost.iter().all(|(_, answer)| *answer == refused(ALREADY_SET)), "{lost:?}");
        assert_eq!(world.profile(&token).await["username"], won[0].0);
    }

    /// One name that everybody wants goes to one of them.
    async fn f2_of_fifty_users_at_once_exactly_one_gets_the_name(database) {
        let world = Arc::new(World::on(database).await);
        let tokens = sign_in_crowd(&world, CROWD).await;
        let choices = tokens.iter().cloned().zip((0..).map(|mask| in_capitals("coveted", mask))).collect();
        let answers = race(&world, choices).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| *answer == done());
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(lost.iter().all(|(_, answer)| *answer == refused(TAKEN)), "{lost:?}");
        let mut holders = Vec::new();
        for token in &tokens {
            let profile = world.profile(token).await;
            if profile.get("username").is_some() {
                assert_eq!(profile["username"], "coveted");
                holders.push(profile["id"].clone());
            }
        }
        assert_eq!(holders, [resolve(&world, "coveted").await]);
    }

    /// Letters that look alike, fall together when their case changes, hide or turn text around.
    async fn f3_f4_letters_outside_ascii_are_refused(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        for odd in [
            "\u{1d2e}\u{1d35}\u{1d33}\u{1d2e}\u{1d35}\u{1d3f}\u{1d30}", "stra\u{df}e", "\u{130}stanbul",
            "d\u{131}stanbul", "\u{212a}elvin", "\u{ff41}\u{ff44}\u{ff41}", "caf\u{e9}", "cafe\u{301}",
            "\u{430}da", "ad\u{200b}a", "\u{202e}ada", "a\u{304}da", "ada\u{e0061}",
            "\u{1f469}\u{200d}\u{1f4bb}", "\u{feff}ada", "ad\u{ad}a",
        ] {
            assert_eq!(choose(&world, &token, odd).await, refused(FORM), "{odd:?}");
            let encoded: String = url::form_urlencoded::byte_serialize(odd.as_bytes()).collect();
            assert_eq!(resolve(&world, &encoded).await, Value::Null, "{odd:?}");
        }
        assert!(world.profile(&token).await.get("username").is_none());
    }

    /// PostgreSQL refuses a NUL and SQLite does not; neither ever sees one.
    async fn f5_odd_and_reserved_names_are_refused_alike(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let long = "a".repeat(1000);
        let too_long = "a".repeat(33);
        for odd in [
            "", "a", "-", "-a", "_a", "..", ".", ".well-known", "a.b", "a%00b", "%00", "%FF", "a%FFb", "%ED%A0%80",
            "%C0%AF", "%zz", "a%20b", "+ada", "ada%0A", "%1B%5B31mada", "ada%0D%0AX-A:%20b", "a/b", "a%5Cb", "a@b",
            "%27%3B+DROP+TABLE+users%3B--", "%3Cscript%3E", "%25s", "null%00", &long, &too_long,
        ] {
            let answer = update_encoded(&world, &token, &format!("username={odd}")).await;
            assert_eq!(answer.status, 200, "{odd:?}: {}", answer.body);
            assert_eq!(answer.json(), refused(FORM), "{odd:?}");
            assert_eq!(resolve(&world, odd).await, Value::Null, "{odd:?}");
        }
        for reserved in ["admin", "ROOT", "Auth", "api", "null", "me", "system", "support", "undefined", "www", "admins", "Administrators",
            "support1", "root-2", "4dm1n"] {
            assert_eq!(choose(&world, &token, reserved).await, refused(RESERVED), "{reserved}");
        }
        assert!(world.profile(&token).await.get("username").is_none());
    }

    /// With ids that are made from addresses a stranger could compute that of somebody who has not come yet.
    async fn f5_the_id_of_anybody_by_any_scheme_is_no_username(database) {
        let world = World::builder(database).setting("USER_ID_SCHEME", "email-md5").start().await;
        let boss = world.sign_in("google", "ada").await;
        let id = world.profile(&boss).await["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 32, "{id}");
        let stranger = world.sign_in("google", "linus").await;
        let (capitals, half) = (id.to_ascii_uppercase(), &id[..16]);
        let hyphens = format!("{}-{}_{}", &id[..8], &id[8..12], &id[12..30]);
        for name in [id.as_str(), &capitals, half, &hyphens, "0123456789abcdef0123456789abcdef"] {
            assert_eq!(choose(&world, &stranger, name).await, refused(RESERVED), "{name}");
            assert_eq!(resolve(&world, name).await, Value::Null, "{name}");
        }
        assert_eq!(choose(&world, &stranger, "facade-decade").await, done(), "a name is no id");
        assert_eq!(resolve(&world, "facade-decade").await, world.profile(&stranger).await["id"]);
    }

    /// What is within the rules is taken, in lower case.
    async fn f5_every_name_within_the_rules_is_taken(database) {
        let world = Arc::new(World::on(database).await);
        let longest = "Z".repeat(32);
        let names = ["ab", "9_", "A-b_9", "x--", longest.as_str()];
        let tokens = sign_in_crowd(&world, 5).await;
        for (token, name) in tokens.iter().zip(names) {
            assert_eq!(choose(&world, token, name).await, done(), "{name}");
            assert_eq!(world.profile(token).await["username"], name.to_ascii_lowercase());
        }
    }

    /// Mass assignment: nothing but the username can be set from here.
    async fn f6_other_fields_are_ignored(database) {
        let world = World::on(database).await;
        let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
        let before = world.profile(&ada).await;
        let victim = world.profile(&linus).await;
        let id = victim["id"].as_str().unwrap();
        let fields = [
            ("email", "linus.aaltonen@example.org"), ("id", id), ("userid", id), ("user_id", id), ("idhash", id),
            ("role", "admin"), ("name", "Root"), ("provider_id", "google:1"), ("avatar_url", "https://x.example/"),
            ("join_date", "1970-01-01T00:00:00Z"), ("attributes", "{}"), ("disabled_at", "1"),
        ];
        assert_eq!(world.post_as(&ada, "/auth/update", &fields).await.json(), done());
        let query = format!("/auth/update?email=x@y.example&id={id}&role=admin");
        assert_eq!(world.post_as(&ada, &query, &[]).await.json(), done());
        assert_eq!(world.profile(&ada).await, before);
        let mut with_name = fields.to_vec();
        with_name.push(("username", "ada"));
        assert_eq!(world.post_as(&ada, "/auth/update", &with_name).await.json(), done());
        let mut expected = before.clone();
        expected["username"] = json!("ada");
        assert_eq!(world.profile(&ada).await, expected);
        assert_eq!(world.profile(&linus).await, victim);
    }

    /// In any case, by anybody, and without the address.
    async fn people_are_found_by_username_in_any_case(database) {
        let world = World::on(database).await;
        let mut persona = Persona::ordinary("mixed", "Mixed Case", 77);
        persona.google["email"] = json!(" Mixed.Case@Example.COM ");
        world.control().put_persona(persona);
        let token = world.sign_in("google", "mixed").await;
        assert_eq!(choose(&world, &token, "MiXeD-Case").await, done());
        let profile = world.profile(&token).await;
        for spelling in ["mixed-case", "MIXED-CASE", "Mixed-Case"] {
            assert_eq!(resolve(&world, spelling).await, profile["id"]);
            let found = world.browser().get(&format!("/auth/get_profile?username={spelling}")).await.json();
            assert_eq!(found, json!({"found": true, "profile": {
                "id": profile["id"],
                "name": "Mixed Case",
                "join_date": profile["join_date"],
                "avatar_url": profile["avatar_url"],
                "gravatar": "7a126a993c9ece5663288f1e48a453a6b4b12656af38d84103cb6beb8a5862b9",
            }}), "{spelling}");
        }
    }

    /// It is the person's, not the provider's.
    async fn a_username_stays_over_later_sign_ins(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "renamed").await;
        assert_eq!(choose(&world, &token, "robin").await, done());
        let before = world.profile(&token).await;
        let mut names = vec![before["name"].clone()];
        for provider in ["google", "github", "google"] {
            let profile = world.profile(&world.sign_in(provider, "renamed").await).await;
            assert_eq!(profile["username"], "robin", "{provider}");
            assert_eq!(profile["id"], before["id"], "{provider}");
            names.push(profile["name"].clone());
        }
        names.dedup();
        assert!(names.len() > 1, "the name is refreshed meanwhile: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_get_is_refused_and_changes_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let answer = world.get_as(&token, "/auth/update?username=ada").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
    assert_eq!(answer.json()["error"], "method_not_allowed");
    assert!(world.profile(&token).await.get("username").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_two_processes_on_one_database_agree_on_the_winner() {
    let database = TestDatabase::postgres();
    let url = database.url().to_owned();
    let world = World::on(database).await;
    let neighbour = start_neighbour(&world, &url).await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    for round in 0..10 {
        let name = format!("round-{round}");
        let fields = [("username", name.as_str())];
        let there = neighbour.client();
        let at_neighbour =
            there.send(there.request(Method::POST, "/auth/update").bearer_auth(&linus).form(&fields));
        let (here, there) = tokio::join!(world.post_as(&ada, "/auth/update", &fields), at_neighbour);
        assert_eq!((here.status.as_u16(), there.status.as_u16()), (200, 200), "{} {}", here.body, there.body);
    }
    let (ada, linus) =
        (world.profile(&ada).await["username"].clone(), world.profile(&linus).await["username"].clone());
    assert!(ada.is_string() && linus.is_string() && ada != linus, "{ada} {linus}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_a_username_that_is_given_twice_is_refused() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    for (query, body) in [
        ("?username=one", "username=two"),
        ("?username=one&username=two", ""),
        ("?username=one&username=one", ""),
        ("", "username=one&username=two"),
        ("", "username=one&username=one"),
        ("?username=one&user%6eame=two", ""),
    ] {
        let browser = world.browser();
        let request = browser.request(Method::POST, &format!("/auth/update{query}")).bearer_auth(&token);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = browser.send(request.body(body)).await;
        assert_eq!(answer.status, 400, "{query} {body}: {}", answer.body);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    assert!(world.profile(&token).await.get("username").is_none());
    let both = world.post_as(&token, "/auth/update?username=same", &[("username", "same")]).await;
    assert_eq!(both.json(), done(), "the same in both places is one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_a_username_is_a_success() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    for fields in [&[][..], &[("email", "a@b.example")], &[("colour", "blue"), ("jwt", "")]] {
        assert_eq!(world.post_as(&token, "/auth/update", fields).await.json(), done(), "{fields:?}");
    }
    let by_query = world.browser().post_form(&format!("/auth/update?jwt={token}&email=x"), &[]).await;
    assert_eq!(by_query.json(), done());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_found_under_a_name_that_nobody_has() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for query in ["?username=nobody-here", "?username=admin", "?username=", "", "?user=ada"] {
        let resolved = browser.get(&format!("/auth/resolve{query}")).await;
        assert_eq!((resolved.status.as_u16(), resolved.json()), (200, json!({"userid": null})), "{query}");
        let found = browser.get(&format!("/auth/get_profile{query}")).await;
        assert_eq!(
            (found.status.as_u16(), found.json()),
            (200, json!({"found": false, "profile": null})),
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_verified_address_has_no_gravatar() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (provider, name) in [("google", "grace-g"), ("github", "grace-h")] {
        let token = world.sign_in(provider, "grace").await;
        assert_eq!(choose(&world, &token, name).await, done());
        let found = world.browser().get(&format!("/auth/get_profile?username={name}")).await.json();
        assert_eq!(found["found"], true);
        assert_eq!(found["profile"]["gravatar"], Value::Null, "{provider}");
        assert!(!found.to_string().contains('@'), "{found}");
    }
}
