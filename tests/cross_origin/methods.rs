//! GET and HEAD.

use std::collections::BTreeMap;

use vestibule_test_support::{Answer, Method, READABLE, RawConnection, TestDatabase};

use super::login;
use crate::world::World;

/// The headers that must not differ between GET and HEAD.
fn comparable(answer: &Answer) -> BTreeMap<String, String> {
    let own = ["date", "x-request-id", "set-cookie", "location"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let login = login();
    let more = [login.as_str(), "/nowhere", "/auth/check?next=x", "/auth/login/nobody"];
    for path in READABLE.iter().copied().chain(more) {
        let get = browser.get(path).await;
        let head = browser.send(browser.request(Method::HEAD, path)).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(comparable(&head), comparable(&get), "{path}");
        assert_eq!(head.body, "", "{path}");
        assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
    }
    let request = "HEAD /auth/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let received = RawConnection::exchange(&world.program.base_url(), request).await;
    assert_eq!(received.statuses(), [200]);
    assert!(received.text().ends_with("\r\n\r\n"), "a body after the headers: {}", received.text());
}
