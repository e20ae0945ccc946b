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
