//! The end of a session, of all of a person's sessions, and of nobody else's.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_test_support::{Answer, Method, Program, TestDatabase, eventually};

use crate::world::{TRUSTED, World, on_both_databases, point_at};

/// One more process of the same service: the same database, keys, providers and address for the outside, another port.
pub(crate) async fn start_neighbour(world: &World, database_url: &str) -> Program {
    let program = Program::builder()
        .setting("DATABASE_URL", database_url)
        .setting("KEYS_DIR", &world.program.keys_dir().display().to_string())
        .setting("EXTERNAL_ADDRESS", &world.program.base_url());
    point_at(program, &world.emulator, "", TRUSTED).start().await
}

async fn sign_out(world: &World, token: &str) -> Answer {
    world.post_as(token, "/auth/logout", &[]).await
}

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
}

/// What the sample extension noted about this user's sign-outs.
fn noted_sign_outs(world: &World, user_id: &Value) -> usize {
    let (logs, id) = (world.program.logs(), user_id.as_str().unwrap());
    logs.lines().filter(|line| line.contains("a user signed out") && line.contains(id)).count()
}

async fn is_signed_in_at(program: &Program, token: &str) -> bool {
    let browser = program.client();
    let answer = browser.send(browser.request(Method::GET, "/auth/check").bearer_auth(token)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["authenticated"] == true
}

on_both_databases! {
    /// This session, and no other.
    async fn a_sign_out_ends_this_session_alone(database) {
        let world = World::on(database).await;
        let (here, there) = (world.sign_in("google", "ada").await, world.sign_in("google", "ada").await);
        let other = world.sign_in("google", "linus").await;
        assert_done(&sign_out(&world, &here).await);
        assert!(!world.is_signed_in(&here).await);
        assert!(world.is_signed_in(&there).await);
        assert!(world.is_signed_in(&other).await);
        let update = world.post_as(&here, "/auth/update", &[("username", "ada")]).await.json();
        assert_eq!(update, json!({"success": false, "error": "not signed in"}));
        let authorize = world.get_as(&here, "/auth/authorize?service=storage").await.json();
        assert_eq!(authorize, json!({"permissions": {}}));
    }

    /// Every session of this user, also of other providers, and nobody else's.
    async fn d9_signing_out_everywhere_ends_all_sessions_of_the_user(database) {
        let world = World::on(database).await;
        let mut sessions = Vec::new();
        for provider in ["google", "github", "corporate", "google"] {
            sessions.push(world.sign_in(provider, "ada").await);
        }
        let other = world.sign_in("google", "linus").await;
        assert_done(&world.post_as(&sessions[0], "/auth/logout", &[("all", "true")]).await);
        for session in &sessions {
            assert!(!world.is_signed_in(session).await);
        }
        assert!(world.is_signed_in(&other).await);
        assert!(world.is_signed_in(&world.sign_in("google", "ada").await).await, "a new sign-in counts");
    }

    /// A sign-out is over when it is answered, whatever happens to the process then.
    async fn l2_an_ended_session_stays_ended_when_the_process_is_killed(database) {
        let mut world = World::on(database).await;
        let (dead, alive) = (world.sign_in("google", "ada").await, world.sign_in("google", "ada").await);
        assert_done(&sign_out(&world, &dead).await);
        world.program.kill().await;
        world.program.start_again().await;
        assert!(!world.is_signed_in(&dead).await);
        assert!(world.is_signed_in(&alive).await);
    }

    /// Requests under way note the use of a session; none of them brings it back.
    async fn g3_a_session_stays_dead_whatever_is_under_way(database) {
        let world = Arc::new(World::on(database).await);
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].clone();
        let mut requests = JoinSet::new();
        for number in 0..40 {
            let (world, token) = (Arc::clone(&world), token.clone());
            requests.spawn(async move {
                match number % 10 {
                    0 => assert_done(&sign_out(&world, &token).await),
                    _ => drop(world.check(&token).await),
                }
            });
        }
        requests.join_all().await;
        assert!(!world.is_signed_in(&token).await);
        assert_eq!(noted_sign_outs(&world, &id), 1, "the extensions hear of it once");
    }

    /// Whoever wanted to be signed out is.
    async fn a_dead_token_is_signed_out_with_success(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].clone();
        assert_done(&sign_out(&world, &token).await);
        assert_done(&sign_out(&world, &token).await);
        assert_done(&world.post_as(&token, "/auth/logout", &[("all", "true")]).await);
        for rubbish in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert_done(&sign_out(&world, rubbish).await);
        }
        assert_done(&world.browser().post_form("/auth/logout", &[]).await);
        assert_eq!(noted_sign_outs(&world, &id), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_another_process_on_the_same_database_knows() {
    let database = TestDatabase::postgres();
    let url = database.url().to_owned();
    let world = World::on(database).await;
    let neighbour = start_neighbour(&world, &url).await;
    let mut sessions = Vec::new();
    for persona in ["ada", "ada", "ada", "linus"] {
        let token = world.sign_in("google", persona).await;
        assert!(is_signed_in_at(&neighbour, &token).await);
        sessions.push(token);
    }
    assert_done(&sign_out(&world, &sessions[0]).await);
    eventually("the neighbour knows", async || !is_signed_in_at(&neighbour, &sessions[0]).await).await;
    assert!(is_signed_in_at(&neighbour, &sessions[1]).await);

    assert_done(
        &neighbour.client().post_form(&format!("/auth/logout?all=true&jwt={}", sessions[1]), &[]).await,
    );
    world.until_signed_out(&sessions[1]).await;
    world.until_signed_out(&sessions[2]).await;
    assert!(world.is_signed_in(&sessions[3]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_and_all_may_come_in_the_query_the_form_or_a_header() {
    let world = World::on(TestDatabase::sqlite()).await;
    for all in [false, true] {
        let suffix = if all { "&all=true" } else { "&all=false" };
        for place in ["query", "form", "bearer", "auth-token", "multipart"] {
            let (mine, mine_too) =
                (world.sign_in("google", "ada").await, world.sign_in("google", "ada").await);
            let browser = world.browser();
            let post = |address: &str| browser.request(Method::POST, address);
            let switch = if all { "true" } else { "" };
            let multipart = format!(
                "--x\r\nContent-Disposition: form-data; name=\"jwt\"\r\n\r\n{mine}\r\n\
                 --x\r\nContent-Disposition: form-data; name=\"all\"\r\n\r\n{switch}\r\n--x--\r\n"
            );
            let request = match place {
                "query" => post(&format!("/auth/logout?jwt={mine}{suffix}")),
                "form" => post("/auth/logout").form(&[("jwt", mine.as_str()), ("all", switch)]),
                "bearer" => post(&format!("/auth/logout?{suffix}")).bearer_auth(&mine),
                "auth-token" => post("/auth/logout").header("Auth-Token", &mine).form(&[("all", switch)]),
                _ => post("/auth/logout")
                    .header("content-type", "multipart/form-data; boundary=x")
                    .body(multipart),
            };
            assert_done(&browser.send(request).await);
            assert!(!world.is_signed_in(&mine).await, "{place}");
            assert_eq!(world.is_signed_in(&mine_too).await, !all, "{place}, all: {all}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_tokens_end_neither_session() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (one, two) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    let answer = world.post_as(&one, "/auth/logout", &[("jwt", &two)]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
    assert!(world.is_signed_in(&one).await && world.is_signed_in(&two).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_get_ends_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let answer = world.get_as(&token, "/auth/logout?all=true").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
    assert!(world.is_signed_in(&token).await);
}

/// A permission token is the service's business until it expires; a quarter of an hour is what its holder has.
#[tokio::test(flavor = "multi_thread")]
async fn e9_permission_tokens_outlive_the_session_until_they_expire() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let granted = world.get_as(&token, "/auth/authorize?service=storage").await.json();
    assert_done(&sign_out(&world, &token).await);
    let key = world.browser().get("/.well-known/jwks.json").await.json()["keys"][0].clone();
    let key =
        DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(
        granted["token"].as_str().unwrap(),
        &key,
        &Validation::new(Algorithm::RS256),
    );
    let claims = claims.unwrap().claims;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 15 * 60);
    assert_eq!(claims["permissions"], granted["permissions"]);
}
