//! Without a database: errors that say nothing of it, soon, and only for as long as it lasts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use vestibule_test_support::{Answer, Client, Method, Shutdown, TestCluster, TestDatabase, eventually};

use super::words::assert_of_the_outside;
use crate::world::{APP, World, all_that_need_the_database};

/// More than the three seconds after which the service gives up, and far from for ever.
const PATIENCE: Duration = Duration::from_secs(8);

/// Everything that needs the database, at once.
async fn ask_for_everything(browser: &Arc<Client>, token: &str, callback: &str) -> Vec<Answer> {
    let mut answers = JoinSet::new();
    let callback = browser.request(Method::GET, callback);
    for request in all_that_need_the_database(browser, token).into_iter().chain([callback]) {
        let browser = Arc::clone(browser);
        answers.spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, browser.send(request)).await;
            answer.expect("an answer, if only that there is none")
        });
    }
    answers.join_all().await
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}: {}", answer.url, answer.body);
    assert_of_the_outside(answer);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

/// What needs no database goes on.
async fn assert_the_rest_is_well(browser: &Client) {
    for address in ["/healthz", "/auth/public-key", "/.well-known/jwks.json", "/auth/check", "/", "/docs"] {
        assert_eq!(browser.get(address).await.status, 200, "{address}");
    }
    assert_eq!(browser.get(&format!("/auth/login/google?next={APP}")).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn n2_l6_while_postgres_is_down_errors_say_nothing_of_it_and_then_all_is_well() {
    let mut cluster = TestCluster::start();
    let world = World::on(cluster.create_database()).await;
    let token = world.sign_in("google", "ada").await;
    for how in [Shutdown::Fast, Shutdown::Immediate] {
        let browser = Arc::new(world.browser());
        let callback = world.reach_callback(&browser, "google", "ada", APP).await;
        cluster.stop(how);
        for answer in ask_for_everything(&browser, &token, callback.as_str()).await {
            assert_unavailable(&answer);
        }
        assert_the_rest_is_well(&browser).await;
        cluster.start_again();
        eventually("the service is ready", async || browser.get("/readyz").await.status == 200).await;
        assert!(world.is_signed_in(&token).await, "no session was lost");
        assert_eq!(browser.get(callback.as_str()).await.status, 303, "no attempt was spent in vain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n2_l7_a_postgres_that_says_nothing_is_not_waited_for() {
    let cluster = TestCluster::start();
    let world = World::on(cluster.create_database()).await;
    let (token, browser) = (world.sign_in("google", "ada").await, Arc::new(world.browser()));
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    cluster.freeze();
    for answer in ask_for_everything(&browser, &token, callback.as_str()).await {
        assert_unavailable(&answer);
    }
    assert_the_rest_is_well(&browser).await;
    cluster.thaw();
    eventually("the service is ready", async || browser.get("/readyz").await.status == 200).await;
    assert!(world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn n2_l4_while_the_sqlite_file_is_gone_nothing_is_written_and_nothing_is_told() {
    let database = TestDatabase::sqlite();
    let file = database.file().unwrap();
    let aside = file.with_extension("aside");
    let world = World::on(database).await;
    let (token, browser) = (world.sign_in("google", "ada").await, world.browser());
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    std::fs::rename(&file, &aside).unwrap();
    let update = async || world.post_as(&token, "/auth/update", &[("username", "ada")]).await;
    assert_unavailable(&update().await);
    assert_unavailable(&browser.get(callback.as_str()).await);
    assert_unavailable(&world.post_as(&token, "/auth/logout", &[]).await);
    assert!(!file.exists(), "no new, empty database is made");
    assert_the_rest_is_well(&browser).await;
    std::fs::rename(&aside, &file).unwrap();
    eventually("the file is written again", async || update().await.status == 200).await;
    assert_eq!(world.profile(&token).await["username"], json!("ada"));
    assert_eq!(browser.get(callback.as_str()).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn n2_refusals_say_nothing_of_the_inside() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for address in [
        "/nowhere",
        "/auth/nowhere",
        "/auth/login/nobody",
        "/auth/login/..%2f..%2fx",
        "/auth/oauth_callback",
        "/auth/oauth_callback?state=x&code=y",
        "/auth/oauth_callback?state=%00",
        "/auth/callback/nobody?state=x",
        "/auth/callback/..%2f..%2fx",
        "/auth/check?next=x",
        "/auth/check?next=https://evil.example",
        "/auth/check?next=%ff",
        "/auth/check?a=1&a=2",
        "/auth/update",
        "/auth/resolve?username=a&username=b",
        "/auth/authorize?jwt=a&jwt=b",
        "/assets/../../etc/passwd",
    ] {
        assert_of_the_outside(&browser.get(address).await);
    }
    for (content_type, body) in [
        ("application/json", "{".to_owned()),
        ("multipart/form-data", "x".to_owned()),
        ("multipart/form-data; boundary=x", "--x\r\n".to_owned()),
        ("application/x-www-form-urlencoded", "a=1&a=2".to_owned()),
        ("application/x-www-form-urlencoded", "x".repeat(70_000)),
    ] {
        let request = browser.request(Method::POST, "/auth/update").header("content-type", content_type);
        assert_of_the_outside(&browser.send(request.body(body)).await);
    }
}
