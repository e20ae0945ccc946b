//! The form of every redirect of a sign-in without TLS, and of the line that asks for it.

use vestibule_test_support::{Answer, RawConnection, TestDatabase};

use crate::world::{APP, World};

/// 303 makes the browser ask with GET whatever it asked before; no body for anybody to read, no cache, no referrer.
fn assert_bare_redirect(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (303, ""));
    assert_eq!(answer.headers.get_all("location").iter().count(), 1);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("content-type"), None);
}

/// Name and sorted attributes of the one cookie that an answer sets.
fn cookie_of(answer: &Answer) -> (String, Vec<String>) {
    let all: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    let mut parts = all[0].to_str().unwrap().split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!(value.len(), 43, "256 bits: {value}");
    let mut attributes: Vec<_> = parts.map(str::to_owned).collect();
    attributes.sort();
    (name.to_owned(), attributes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_redirects_are_bare_and_the_cookie_is_for_this_host_alone() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let start = world.start_sign_in(&browser, "google", APP).await;
    assert_bare_redirect(&start);
    let (name, attributes) = cookie_of(&start);
    assert_eq!(name, "vestibule-sign-in");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]);

    let end = browser.get(world.reach_callback(&browser, "google", "ada", APP).await.as_str()).await;
    assert_bare_redirect(&end);
    assert!(end.header("set-cookie").is_none());
    let refused = world.finish_sign_in("google", "refuses").await;
    assert_bare_redirect(&refused);
}

/// A request line with a whole address names a host too, and outranks `Host` (RFC 9112 section 3.2.2).
#[tokio::test(flavor = "multi_thread")]
async fn a10_an_absolute_request_target_decides_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let request = "GET http://evil.tld/auth/check HTTP/1.1\r\nHost: evil.tld\r\nConnection: close\r\n\r\n";
    let text = RawConnection::exchange(&base, request).await.text();
    assert!(!text.contains("evil.tld"), "{text}");
}
