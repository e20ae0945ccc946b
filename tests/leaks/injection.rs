//! What a client sends cannot write lines of its own into the log.

use serde_json::Value;
use vestibule_test_support::{RawConnection, TestDatabase};

use super::LOUDEST;
use crate::world::World;

/// A new line that looks like one of ours, and orders to the terminal that shows it.
const FORGED: &str = "%0d%0a2026-11-22T10:08:33Z%20ERROR%20forged-line%1b%5B2J%1b%5B31m";

/// Longer than any line of an honest log.
const LONGEST_LINE: usize = 2_000;

async fn send(world: &World, target: &str, headers: &[u8], body: &str) {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    let request = [head.as_bytes(), headers, b"\r\n", body.as_bytes()].concat();
    let received = RawConnection::exchange(&world.program.base_url(), request).await;
    assert!(received.statuses().iter().all(|status| *status < 500), "{target}: {}", received.text());
}

/// Sends it wherever something is taken.
async fn inject(world: &World) {
    let long = format!("{FORGED}{}", "x".repeat(6_000));
    for text in [FORGED, &long] {
        for target in [
            format!("/auth/check?jwt={text}"),
            format!("/auth/check?next={text}"),
            format!("/auth/check?{text}=1&{text}=2"),
            format!("/auth/authorize?service={text}"),
            format!("/auth/resolve?username={text}"),
            format!("/auth/login/{text}"),
            format!("/auth/login/google?next={text}"),
            format!("/auth/oauth_callback?state={text}&code={text}&iss={text}&error={text}"),
            format!("/auth/callback/{text}?state={text}"),
            format!("/{text}"),
        ] {
            send(world, &target, b"", "").await;
        }
        let form = b"Content-Type: application/x-www-form-urlencoded\r\n";
        for body in [format!("username={text}"), format!("{text}=1&{text}=2"), format!("jwt={text}")] {
            send(world, "/auth/update", form, &body).await;
        }
    }
    let headers: [&[u8]; 5] = [
        b"User-Agent: \x1b[31mforged-line\x1b[2J\r\n",
        b"User-Agent: forged-line\x0bforged\x0cforged\r\n",
        b"Authorization: Bearer \x1b[31mforged-line\r\n",
        b"X-Forwarded-For: \x1b[31mforged-line\r\n",
        b"Cookie: vestibule-sign-in=\x1b[31mforged-line\r\n",
    ];
    for header in headers {
        for target in ["/auth/check", "/auth/oauth_callback?state=x", "/auth/login/google"] {
            send(world, target, header, "").await;
        }
    }
    // A method is a token (RFC 9110 section 9.1), which a client may make up and make long.
    for method in ["forged-line".to_owned(), "X".repeat(30_000)] {
        let request = format!("{method} /auth/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let received = RawConnection::exchange(&world.program.base_url(), request.into_bytes()).await;
        assert_eq!(received.statuses(), [405]);
    }
    let megabyte = format!("User-Agent: {}\r\n", "x".repeat(1_000_000));
    send(world, "/auth/check", megabyte.as_bytes(), "").await;
}

/// A sign-in by a browser that names itself oddly: what a session keeps of it is not what the log is told.
async fn sign_in_oddly(world: &World) {
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "ada", crate::world::APP).await;
    let cookie = browser.cookie("vestibule-sign-in").unwrap();
    let target = format!("{}?{}", callback.path(), callback.query().unwrap());
    let headers = format!("User-Agent: forged-line \x1b[31m\r\nCookie: vestibule-sign-in={cookie}\r\n");
    send(world, &target, headers.as_bytes(), "").await;
}

async fn logs_of_an_attack(format: &str) -> String {
    let settings =
        World::builder(TestDatabase::sqlite()).setting("LOG", LOUDEST).setting("LOG_FORMAT", format);
    let world = settings.start().await;
    inject(&world).await;
    sign_in_oddly(&world).await;
    let logs = world.program.logs();
    assert!(!logs.bytes().any(|byte| byte < b' ' && byte != b'\n'), "a control character:\n{logs}");
    let longest = logs.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < LONGEST_LINE, "{longest} bytes in a line");
    logs
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_a_text_log_has_no_line_that_a_client_wrote() {
    let logs = logs_of_an_attack("text").await;
    // The report at the start, and after it lines that begin with their time.
    let lines = logs.lines().skip_while(|line| !line.starts_with("20"));
    for line in lines {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level), "{line:?}");
        assert!(!line.starts_with("2026-11-22T10:08:33Z"), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_a_json_log_has_one_object_a_line() {
    let logs = logs_of_an_attack("json").await;
    for line in logs.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(parsed["timestamp"].is_string() && parsed["level"].is_string(), "{line}");
        assert_ne!(parsed["message"], "forged-line");
    }
}
