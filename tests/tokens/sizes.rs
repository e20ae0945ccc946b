//! Tokens that are too large, or no text at all.

use serde_json::json;
use vestibule_test_support::{RawConnection, TestDatabase};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_million_dots_are_too_many_wherever_they_stand() {
    let world = World::on(TestDatabase::sqlite()).await;
    let good = world.sign_in("google", "ada").await;
    let base_url = world.program.base_url();
    let dots = ".".repeat(1_000_000);
    let form = |dots: &str| {
        let length = dots.len() + 4;
        format!(
            "POST /auth/update HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\njwt={dots}"
        )
    };
    let end = "Host: x\r\nConnection: close\r\n\r\n";
    for (what, request, status) in [
        ("a header", format!("GET /auth/check HTTP/1.1\r\nAuthorization: Bearer {dots}\r\n{end}"), 431),
        ("the query", format!("GET /auth/check?jwt={dots} HTTP/1.1\r\n{end}"), 431),
        ("a shorter query", format!("GET /auth/check?jwt={} HTTP/1.1\r\n{end}", &dots[..20_000]), 414),
        ("a form", form(&dots), 413),
        ("a form that is just small enough", form(&dots[..60_000]), 200),
    ] {
        let received = RawConnection::exchange(&base_url, request).await;
        assert_eq!(received.statuses(), [status], "{what}: {}", received.text());
        assert!(received.closed, "{what}");
    }
    assert!(world.is_signed_in(&good).await, "the service lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn k9_bytes_that_are_no_text_are_nobodys_token() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for parameter in
        ["%ff", "%zz", "%", "%E0%A4", "%00", "%0d%0aSet-Cookie:x=y", "%ed%a0%80", "%F4%90%80%80", "+", "%20"]
    {
        let answer = browser.get(&format!("/auth/check?jwt={parameter}")).await;
        assert_eq!(answer.status, 200, "{parameter}: {}", answer.body);
        assert_eq!(answer.json()["authenticated"], false, "{parameter}");
        let answer = browser.get(&format!("/auth/authorize?service=storage&jwt={parameter}")).await;
        assert_eq!(answer.json(), json!({"permissions": {}}), "{parameter}");
    }
    let base_url = world.program.base_url();
    for header in
        [&b"Authorization: Bearer \xe0\xa4"[..], b"Authorization: Bearer \xff\xfe", b"Auth-Token: \x80"]
    {
        let request =
            [b"GET /auth/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", header, b"\r\n\r\n"].concat();
        let received = RawConnection::exchange(&base_url, request).await;
        assert_eq!(received.statuses(), [200], "{}", received.text());
        assert!(received.text().contains("\"authenticated\":false"), "{}", received.text());
    }
}
