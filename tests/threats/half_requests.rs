//! K1, K4: clients that have said all they want to say, and those that never come to the end of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vestibule_test_support::{Client, RawConnection, Received, TestDatabase};

use crate::world::{APP, World};

const IN_TIME: Duration = Duration::from_secs(20);
/// So many connections at once.
const AT_ONCE: usize = 24;

/// Says this, shuts down the writing side, and reads to the end.
async fn half_closed(base: &str, words: impl AsRef<[u8]>) -> Received {
    let mut connection = RawConnection::open(base).await;
    connection.send(words).await;
    connection.finish().await;
    connection.receive(IN_TIME).await
}

fn post(path: &str, body: &str) -> String {
    let form = "Content-Type: application/x-www-form-urlencoded";
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{form}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn in_chunks(path: &str, body: &str) -> String {
    let (first, second) = body.split_at(body.len() / 2);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let form = "Content-Type: application/x-www-form-urlencoded";
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{form}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

/// The callback of a sign-in that is as far as it can be, as its browser would ask for it.
async fn callback_of(world: &World, browser: &Client, persona: &str) -> String {
    let callback = world.reach_callback(browser, "google", persona, APP).await;
    let target = format!("{}?{}", callback.path(), callback.query().unwrap());
    let secret = browser.cookie("vestibule-sign-in").unwrap();
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nCookie: vestibule-sign-in={secret}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_a_client_that_shuts_down_its_writing_side_gets_its_answer_and_then_the_end() {
    let world = World::on(TestDatabase::postgres()).await;
    let token = world.sign_in("google", "ada").await;
    let (base, browser) = (world.program.base_url(), world.browser());
    let callback = callback_of(&world, &browser, "grace").await;
    let authorize = format!("GET /auth/authorize?service=storage&jwt={token} HTTP/1.1\r\nHost: x\r\n\r\n");
    let check = format!("GET /auth/check?jwt={token} HTTP/1.1\r\nHost: x\r\n\r\n");
    for (request, expected) in [
        (check.clone(), vec![200]),
        (authorize.clone(), vec![200]),
        (post("/auth/update", &format!("jwt={token}&username=ada")), vec![200]),
        (in_chunks("/auth/update", &format!("jwt={token}&username=ada")), vec![200]),
        (callback, vec![303]),
        ([&check[..], &authorize, &check, &authorize].concat(), vec![200; 4]),
        (post("/auth/logout", &format!("jwt={token}")), vec![200]),
        (String::new(), vec![]),
        ("\r\n".to_owned(), vec![]),
    ] {
        let received = half_closed(&base, &request).await;
        assert_eq!(received.statuses(), expected, "{request}: {}", received.text());
        assert!(received.closed, "{request}");
    }
    assert!(!world.is_signed_in(&token).await);
}

/// How a client breaks off.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Close,
    HalfClose,
    Reset,
}

/// Sends a request up to this byte, and ends so; what was answered, where it can be heard.
async fn break_off(base: String, part: Vec<u8>, ending: Ending) -> Option<Received> {
    if matches!(ending, Ending::HalfClose) {
        return Some(half_closed(&base, part).await);
    }
    let mut connection = RawConnection::open(&base).await;
    connection.send(part).await;
    if matches!(ending, Ending::Reset) {
        connection.reset();
    }
    None
}

/// Breaks a request off at every byte, in every way.
async fn break_off_everywhere(base: &str, request: &str) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut parts = JoinSet::new();
    for length in 0..request.len() {
        for ending in [Ending::Close, Ending::HalfClose, Ending::Reset] {
            let place = Arc::clone(&room).acquire_owned().await.unwrap();
            let (base, part) = (base.to_owned(), request.as_bytes()[..length].to_vec());
            parts.spawn(async move {
                let received = break_off(base, part, ending).await;
                drop(place);
                (length, ending, received)
            });
        }
    }
    for (length, ending, received) in parts.join_all().await {
        let Some(received) = received else { continue };
        let statuses = received.statuses();
        assert!(received.closed, "after {length} bytes and {ending:?}");
        let refused = statuses.iter().all(|status| (400..500).contains(status));
        assert!(statuses.len() <= 1 && refused, "after {length} bytes: {}", received.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_a_request_that_breaks_off_at_whatever_byte_does_nothing_and_hurts_nobody() {
    let world = World::builder(TestDatabase::postgres()).without_limits().start().await;
    let token = world.sign_in("google", "ada").await;
    let (base, browser) = (world.program.base_url(), world.browser());
    let callback = callback_of(&world, &browser, "grace").await;
    let form = format!("jwt={token}&username=chosen");
    let update = post("/auth/update", &form);
    let logout = post("/auth/logout", &format!("jwt={token}&all=true"));
    for request in [&callback, &update, &in_chunks("/auth/update", &form), &logout] {
        break_off_everywhere(&base, request).await;
    }
    assert_eq!(
        world.database.query("SELECT count(*) FROM spent_attempts").as_deref(),
        Some("1"),
        "ada's own"
    );
    let check = world.get_as(&token, "/auth/check").await.json();
    assert_eq!(
        (&check["authenticated"], &check["profile"]["username"]),
        (&true.into(), &serde_json::Value::Null)
    );
    // Whole, each of them does what it says.
    for (request, status) in [(&callback, 303), (&update, 200), (&logout, 200)] {
        let received = half_closed(&base, request).await;
        assert_eq!(received.statuses(), [status], "{}", received.text());
    }
    assert!(!world.is_signed_in(&token).await);
}
