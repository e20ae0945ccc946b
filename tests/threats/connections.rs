//! K1 to K5: connections that are slow, many, large, malformed or of another protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use tokio::task::JoinSet;
use vestibule_test_support::{Method, RawConnection, Received, TestDatabase, eventually};

use crate::world::World;

/// Ten seconds are promised; a busy machine has as many again.
const IN_TIME: Duration = Duration::from_secs(20);
const MEBIBYTE: u64 = 1 << 20;

/// Room for the sockets of thousands of clients in this process.
fn allow_many_sockets() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn held(mut connection: RawConnection) -> Received {
    connection.receive(IN_TIME).await
}

/// Whatever is refused before it can be read has the form of all errors, and the headers of all answers.
fn assert_looks_like_every_error(received: &Received) {
    let text = received.text();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {text}"));
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description", "request_id"], "{body}");
    for line in [
        "content-type: application/json; charset=utf-8",
        &format!("x-request-id: {}", body["request_id"].as_str().unwrap()),
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "content-security-policy: default-src 'none'",
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line}: {head}");
    }
}

/// Opens a connection and says only this.
async fn half_said(base: String, words: &'static str) -> Received {
    let mut connection = RawConnection::open(&base).await;
    connection.send(words).await;
    held(connection).await
}

/// Opens a connection, says this, and then a byte now and then for as long as it is heard.
async fn dripping(base: String, words: &'static str) -> Received {
    let mut connection = RawConnection::open(&base).await;
    connection.send(words).await;
    let begun = Instant::now();
    loop {
        connection.send("a").await;
        let received = connection.receive(Duration::from_millis(500)).await;
        if received.closed || begun.elapsed() > IN_TIME {
            return received;
        }
    }
}

/// Asks for more than the buffers on the way hold, and takes none of it.
async fn not_reading(base: String) -> RawConnection {
    let mut connection = RawConnection::open(&base).await;
    connection.send("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(400)).await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_thousands_of_slow_clients_are_cut_in_time_and_nobody_else_notices() {
    allow_many_sockets();
    let world = Arc::new(World::builder(TestDatabase::sqlite()).with_metrics().start().await);
    let token = world.sign_in("google", "ada").await;
    let base = world.program.base_url();
    let over = Arc::new(AtomicBool::new(false));
    let (other, ended) = (Arc::clone(&world), Arc::clone(&over));
    let somebody_else = tokio::spawn(async move {
        let mut answered = 0;
        while !ended.load(Ordering::Relaxed) {
            assert!(other.is_signed_in(&token).await);
            answered += 1;
        }
        answered
    });
    let mut slow = JoinSet::new();
    for _ in 0..1200 {
        slow.spawn(half_said(base.clone(), ""));
        slow.spawn(half_said(base.clone(), "GET /auth/check HTTP/1.1\r\nHost: x\r\nX-Half"));
    }
    for _ in 0..20 {
        slow.spawn(dripping(base.clone(), "GET /auth/check HTTP/1.1\r\nHost: x\r\nX-Drop: "));
        let body = "POST /auth/update HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                    Content-Length: 1000\r\n\r\n";
        slow.spawn(dripping(base.clone(), body));
    }
    let mut deaf = Vec::new();
    for _ in 0..10 {
        deaf.push(not_reading(base.clone()).await);
    }
    let outcomes = slow.join_all().await;
    let open: Vec<_> = outcomes.iter().filter(|received| !received.closed).map(Received::text).collect();
    assert!(open.is_empty(), "{} slow clients are not cut, the first after {:?}", open.len(), open.first());
    assert!(outcomes.iter().all(|received| !received.statuses().contains(&200)), "and served nothing");
    eventually("those who take nothing of their answers are cut", async || {
        let metrics = world.admin().get("/metrics").await.body;
        metrics.contains("vestibule_http_connections_refused_total{reason=\"slow_reader\"} 10\n")
    })
    .await;
    over.store(true, Ordering::Relaxed);
    assert!(somebody_else.await.unwrap() > 10);
}

/// How long a check takes, of a hundred the ninety-ninth.
async fn p99_of_checks(world: &World, token: &str) -> Duration {
    let browser = world.browser();
    let mut took = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        let answer = browser.send(browser.request(Method::GET, "/auth/check").bearer_auth(token)).await;
        took.push(begun.elapsed());
        assert_eq!(answer.json()["authenticated"], true, "{}", answer.body);
    }
    took.sort();
    took[took.len() * 99 / 100]
}

/// Time is told, not judged: it depends on the machine.
#[tokio::test(flavor = "multi_thread")]
async fn k1_five_thousand_connections_fit_in_little_memory() {
    const EACH: usize = 2_500;
    // Two buffers of 8 KiB, which are hyper's, and what the task keeps; some room besides.
    const ONE_CONNECTION: u64 = 24 << 10;
    allow_many_sockets();
    let world = World::builder(TestDatabase::sqlite()).setting("MAX_CONNECTIONS", "6000").start().await;
    let token = world.sign_in("google", "ada").await;
    let base = world.program.base_url();
    let alone = p99_of_checks(&world, &token).await;
    let before = world.program.resident_memory();
    let mut connections = Vec::new();
    for words in ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /auth/check HTTP/1.1\r\nHost: x\r\nX-Half"]
    {
        for _ in 0..EACH {
            let mut connection = RawConnection::open(&base).await;
            connection.send(words).await;
            connections.push(connection);
        }
    }
    eventually("all are open", async || world.program.open_files() > 2 * EACH).await;
    let beside = p99_of_checks(&world, &token).await;
    let grown = world.program.resident_memory().saturating_sub(before);
    let idle = connections[0].receive(Duration::from_millis(10)).await;
    assert!(idle.statuses() == [200] && !idle.closed, "{}", idle.text());
    println!(
        "{} connections: {} KiB more, {} bytes each; p99 of check {beside:?} beside them, {alone:?} alone",
        2 * EACH,
        grown / 1024,
        grown / (2 * EACH as u64)
    );
    assert!(grown < 2 * EACH as u64 * ONE_CONNECTION, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_without_descriptors_the_service_waits_quietly_and_comes_back_at_once() {
    allow_many_sockets();
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let before = world.program.open_files();
    world.program.limit_open_files(before as u64 + 100);
    let mut sockets = Vec::new();
    for _ in 0..200 {
        sockets.push(RawConnection::open(&base).await);
    }
    let complaint = "no connection can be accepted";
    eventually("descriptors are short", async || world.program.logs().contains(complaint)).await;
    let (ticks, begun) = (world.program.processor_ticks(), Instant::now());
    tokio::time::sleep(Duration::from_secs(2)).await;
    // The kernel counts a hundred ticks a second: one is ten milliseconds.
    let busy = Duration::from_millis(10 * (world.program.processor_ticks() - ticks));
    assert!(busy * 5 < begun.elapsed(), "{busy:?} of processor time while nothing can be done");
    let complaints = world.program.logs().matches(complaint).count();
    assert!((1..=5).contains(&complaints), "{complaints} lines");
    drop(sockets);
    let released = Instant::now();
    eventually("it serves again", async || {
        let browser = world.browser();
        let answer = browser.try_send(browser.request(Method::GET, "/healthz")).await;
        answer.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    println!("processor time while short: {busy:?}; served again after {:?}", released.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn k3_big_and_endless_input_is_refused_and_leaves_no_trace_in_memory() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let form = "POST /auth/update HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let many = "X-Many: y\r\n".repeat(1000);
    let (long, body) = ("x".repeat(100_000), "x".repeat(10_000_000));
    let chunks = format!("8000\r\n{}\r\n", "x".repeat(0x8000)).repeat(300);
    let cases = [
        (format!("{form}Content-Length: {}\r\n\r\njwt={body}", body.len() + 4), vec![413]),
        (format!("{form}Transfer-Encoding: chunked\r\n\r\n{chunks}"), vec![413]),
        (format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", &long[..70_000]), vec![431]),
        (format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"), vec![431]),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", &long[..20_000]), vec![414]),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), vec![414, 431]),
    ];
    let mut after_the_first = 0;
    for round in 0..3 {
        for (request, expected) in &cases {
            let received = RawConnection::exchange(&base, request).await;
            let statuses = received.statuses();
            assert!(received.closed, "{request:.60}");
            assert!(statuses.len() == 1 && expected.contains(&statuses[0]), "{request:.60}: {statuses:?}");
            assert_looks_like_every_error(&received);
        }
        if round == 0 {
            after_the_first = world.program.resident_memory();
        }
    }
    let grown = world.program.resident_memory().saturating_sub(after_the_first);
    assert!(grown < 8 * MEBIBYTE, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_whatever_can_be_read_in_two_ways_is_answered_at_most_once_and_the_connection_ends() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = |fields: &str, body: &str| {
        format!("POST /auth/update HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}{smuggled}")
    };
    for request in [
        post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        post("Content-Length: 3, 4\r\n", "abcd"),
        post("Content-Length: +5\r\n", "abcde"),
        post("Content-Length: -1\r\n", ""),
        post("Content-Length: 0x5\r\n", "abcde"),
        post("Content-Length : 5\r\n", "abcde"),
        post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        post("A: b\r\n folded\r\n", ""),
        post("A: b\nContent-Length: 0\r\n", ""),
        post("A: b\rB: c\r\n", ""),
        format!(
            "POST /auth/update HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!("GET /healthz HTTP/1.1\nHost: x\n\n{smuggled}"),
        format!("GET http://evil.tld/healthz HTTP/1.1\r\nHost: x\r\n\r\n{smuggled}"),
        format!("CONNECT evil.tld:443 HTTP/1.1\r\nHost: x\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1 \r\nHost: x\r\n\r\n{smuggled}"),
        format!("GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/7.3\r\nHost: x\r\n\r\n{smuggled}"),
        format!("\0GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n{smuggled}"),
        // For which site it is, two readers may read differently as well.
        format!("GET /healthz HTTP/1.1\r\n\r\n{smuggled}"),
        format!("GET /auth/check HTTP/1.1\r\nHost: x\r\nHost: evil.tld\r\n\r\n{smuggled}"),
        format!("GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\nAccept: */*\r\nHOST: x\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.0\r\nHost: x\r\nHost: evil.tld\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nHost: x@evil.tld\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nHost: x/evil.tld\r\n\r\n{smuggled}"),
    ] {
        let received = RawConnection::exchange(&base, &request).await;
        assert_eq!(received.statuses(), [400], "{request:?}: {}", received.text());
        assert!(received.closed, "{request:?}");
        assert_looks_like_every_error(&received);
    }
    let old = "GET /healthz HTTP/1.0\r\n\r\n";
    assert_eq!(RawConnection::exchange(&base, old).await.statuses(), [200], "HTTP/1.0 had no such header");
    let trace = "TRACE /auth/check HTTP/1.1\r\nHost: x\r\nX-Secret: s3cret\r\nConnection: close\r\n\r\n";
    let received = RawConnection::exchange(&base, trace).await;
    assert_eq!(received.statuses(), [405]);
    assert!(!received.text().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_chunks_that_are_sound_are_read_and_what_comes_behind_them_is_not() {
    let world = World::on(TestDatabase::sqlite()).await;
    let request = "POST /auth/update HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5\r\njwt=a\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let received = RawConnection::exchange(&world.program.base_url(), request).await;
    assert_eq!(received.statuses(), [200], "{}", received.text());
    assert!(received.closed);
}

/// The frames of HTTP/2 (RFC 9113): length, kind, flags, stream, what is in it.
fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn k5_floods_of_http_2_find_the_connection_closed() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let get = [0x82, 0x84, 0x86, 0x41, 1, b'x'];
    let streams = || (0..5000).map(|number| 2 * number + 1);
    let reset: Vec<u8> =
        streams().flat_map(|id| [frame(1, 5, id, &get), frame(3, 0, id, &[0, 0, 0, 8])].concat()).collect();
    let continued: Vec<u8> = [frame(1, 1, 1, &get)]
        .into_iter()
        .chain((0..5000).map(|_| frame(9, 0, 1, &[0; 64])))
        .flatten()
        .collect();
    let empty: Vec<u8> = [frame(1, 4, 1, &get)]
        .into_iter()
        .chain((0..50_000).map(|_| frame(0, 0, 1, b"")))
        .flatten()
        .collect();
    let many: Vec<u8> = streams().flat_map(|id| frame(1, 4, id, &get)).collect();
    let before = world.program.resident_memory();
    for flood in [reset, continued, empty, many] {
        let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, b""), &flood].concat();
        for _ in 0..10 {
            let received = RawConnection::exchange(&base, &preface).await;
            assert!(received.closed);
            assert!(matches!(received.statuses()[..], [] | [400 | 505]), "{}", received.text());
        }
    }
    let grown = world.program.resident_memory().saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "{grown} bytes more");
    let upgrade = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n";
    assert_eq!(RawConnection::exchange(&base, upgrade).await.statuses(), [200], "an upgrade is not taken up");
}
