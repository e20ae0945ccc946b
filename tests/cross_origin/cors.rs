//! Who may read an answer from another origin, where nothing is set, and when the origin is no text; and what the log says of it.

use vestibule_test_support::{
    Answer, Client, Method, RawConnection, TestDatabase, assert_readable_by, assert_unreadable, eventually,
};

use crate::world::World;

const ALLOWED: [&str; 2] = ["https://app.example.com", "http://localhost:3000"];

async fn ask(browser: &Client, method: Method, address: &str, origin: &str) -> Answer {
    browser.send(browser.request(method, address).header("Origin", origin)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_bytes_that_are_no_text_are_an_origin_that_is_not_allowed() {
    let world = World::on(TestDatabase::sqlite()).await;
    let origins: [&[u8]; 6] = [
        b"https://app.example.com\xff",
        b"\xff\xfe",
        b"",
        b"https://\xc3\xa4pp.example.com",
        b"\t",
        b"\x80null",
    ];
    for origin in origins {
        for method in ["GET", "OPTIONS"] {
            let mut request =
                format!("{method} /auth/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n").into_bytes();
            request.extend_from_slice(b"Access-Control-Request-Method: GET\r\nOrigin: ");
            request.extend_from_slice(origin);
            request.extend_from_slice(b"\r\n\r\n");
            let received = RawConnection::exchange(&world.program.base_url(), request).await;
            let expected = if method == "GET" { 200 } else { 405 };
            assert_eq!(received.statuses(), [expected], "{origin:?}: {}", received.text());
            assert!(!received.text().to_lowercase().contains("access-control-allow"), "{}", received.text());
        }
    }
    assert!(!world.program.logs().contains("panicked"), "{}", world.program.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_without_the_setting_only_the_service_itself_is_allowed() {
    let world = World::builder(TestDatabase::sqlite()).without("ALLOWED_ORIGINS").start().await;
    let (browser, own) = (world.browser(), world.program.base_url());
    assert_readable_by(&ask(&browser, Method::GET, "/auth/check", &own).await, &own);
    for origin in ALLOWED {
        assert_unreadable(&ask(&browser, Method::GET, "/auth/check", origin).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_an_origin_that_is_not_listed_is_named_in_the_log_once_in_a_while() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (browser, own) = (world.browser(), world.program.base_url());
    let hints = || {
        let logs = world.program.logs();
        logs.lines().filter(|line| line.contains("ALLOWED_ORIGINS")).map(str::to_owned).collect::<Vec<_>>()
    };
    // Nobody is to be let in: an own page, an allowed one, what is public, a form that a page sends, and what is no origin.
    for (address, origin) in [
        ("/auth/check", own.as_str()),
        ("/auth/check", ALLOWED[0]),
        ("/.well-known/jwks.json", "https://forgotten.example"),
        ("/auth/check", "null"),
    ] {
        ask(&browser, Method::GET, address, origin).await;
    }
    let form = browser.request(Method::POST, "/auth/logout").header("Origin", "https://forgotten.example");
    browser.send(form.header("Sec-Fetch-Mode", "navigate")).await;
    for _ in 0..20 {
        ask(&browser, Method::GET, "/auth/check", "https://forgotten.example").await;
    }
    eventually("the origin is named", async || !hints().is_empty()).await;
    let last = ask(&browser, Method::GET, "/nowhere", "https://other.example").await;
    let id = last.header("x-request-id").unwrap().to_owned();
    eventually("the last request is logged", async || world.program.logs().contains(&id)).await;
    let hints = hints();
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(hints[0].contains("https://forgotten.example") && hints[0].contains("INFO"), "{hints:?}");
}
