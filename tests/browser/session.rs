//! The session cookie in a real browser: what it is, which pages can use it, and that frontends with user tokens go on as before.

use serde_json::{Value, json};
use vestibule_test_support::{TestDatabase, eventually};

use super::stage::{begin_sign_in, development_program, id, kept_token, serve_page, sign_in};
use super::webdriver::Browser;
use crate::signed_in::SESSION_COOKIE;
use crate::world::World;

/// Signs in at the service itself.
async fn sign_in_at_service(browser: &Browser, service: &str, persona: &str) {
    browser.go_to(&format!("{service}/auth/login/google?next=%2Faccount")).await;
    browser.click(&format!("a[href$='persona={persona}']")).await;
    eventually("the provider sends the browser back", async || browser.address().await.path() == "/account")
        .await;
}

/// What a page gets by `fetch`: the status and the text, or 0 and why the page gets neither.
async fn fetched(browser: &Browser, address: &str, options: Value) -> Value {
    const SCRIPT: &str = "const [address, options] = arguments;
        return fetch(address, options).then(
            async (answer) => [answer.status, await answer.text()], (refusal) => [0, String(refusal)]);";
    browser.run(SCRIPT, &[json!(address), options]).await
}

/// What a page of the service gets, by the cookie if it counts.
async fn session(browser: &Browser) -> Value {
    let answer = fetched(browser, "/auth/session", json!({})).await;
    let body: Value = answer[1].as_str().unwrap().parse().unwrap();
    if answer[0] == 200 { body["fullname"].clone() } else { body["error"].clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_what_the_document_says_and_no_script_sees_it() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = Browser::open().await;
    sign_in_at_service(&browser, &world.program.base_url(), "ada").await;
    let address = browser.address().await;
    assert_eq!((address.query(), address.fragment()), (None, None), "nothing is put into the address");
    let cookies = browser.cookies().await;
    let cookie = cookies.iter().find(|cookie| cookie["name"] == SESSION_COOKIE).expect("the cookie");
    let expected =
        json!({"httpOnly": true, "sameSite": "Lax", "path": "/", "domain": "127.0.0.1", "secure": false});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&cookie[member], value, "{member} of {cookie}");
    }
    assert_eq!(cookie["value"].as_str().unwrap().len(), 43);
    assert!(cookie["expiry"].is_u64(), "it outlives the browser: {cookie}");
    browser.go_to(&world.program.base_url()).await;
    assert_eq!(browser.run("return document.cookie", &[]).await, "");
    assert_eq!(session(&browser).await, "Ada Moreau");
}

/// From another port of the same host, which is the same site, and from another site.
#[tokio::test(flavor = "multi_thread")]
async fn g5_a_page_of_another_origin_neither_acts_nor_reads_by_the_cookie() {
    let world = World::on(TestDatabase::sqlite()).await;
    let service = world.program.base_url();
    let browser = Browser::open().await;
    sign_in_at_service(&browser, &service, "ada").await;
    let form = format!(
        "<form method=post action='{service}/auth/logout?session=cookie'><input name=all value=true><button>Win</button></form>"
    );
    let sibling = serve_page(form).await;
    for page in [sibling.clone(), sibling.replace("127.0.0.1", "localhost")] {
        browser.go_to(&page).await;
        for (path, options) in [
            ("/auth/session", json!({"credentials": "include"})),
            ("/auth/tokens", json!({"credentials": "include"})),
            ("/auth/tokens", json!({"method": "DELETE", "credentials": "include"})),
            (
                "/auth/tokens",
                json!({"method": "POST", "credentials": "include", "body": "{\"name\":\"theirs\"}",
                "headers": {"content-type": "application/json"}}),
            ),
        ] {
            let answer = fetched(&browser, &format!("{service}{path}"), options).await;
            assert_eq!(answer[0], 0, "{page} reads {path}: {answer}");
        }
        // What needs no leave to be sent.
        let blind = json!({"method": "POST", "credentials": "include", "mode": "no-cors", "body": "username=theirs",
            "headers": {"content-type": "application/x-www-form-urlencoded"}});
        fetched(&browser, &format!("{service}/auth/update?session=cookie"), blind).await;
        browser.click("button").await;
        eventually("the form is sent", async || browser.address().await.path() == "/auth/logout").await;
        browser.go_to(&service).await;
        assert_eq!(session(&browser).await, "Ada Moreau", "{page} signs nobody out");
        let tokens = fetched(&browser, "/auth/tokens", json!({})).await;
        assert!(tokens[1].as_str().unwrap().contains("\"tokens\":[]"), "{tokens}");
        let profile = fetched(&browser, "/auth/session", json!({})).await;
        assert!(!profile[1].as_str().unwrap().contains("theirs"), "{profile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_in_one_tab_is_one_in_all_of_the_browser() {
    let world = World::on(TestDatabase::sqlite()).await;
    let service = world.program.base_url();
    let browser = Browser::open().await;
    sign_in_at_service(&browser, &service, "ada").await;
    browser.go_to(&service).await;
    let second = browser.open_tab().await;
    browser.go_to(&service).await;
    assert_eq!(session(&browser).await, "Ada Moreau", "two tabs have one session");
    let third = browser.open_tab().await;
    browser.go_to(&service).await;
    let signed_out = fetched(&browser, "/auth/logout?session=cookie", json!({"method": "POST"})).await;
    assert_eq!(signed_out, json!([200, "{\"success\":true}"]));
    for tab in [second, third] {
        browser.turn_to(&tab).await;
        assert_ne!(session(&browser).await, "Ada Moreau");
    }
}

/// A frontend that knows user tokens alone, on the origin where the cookie counts.
#[tokio::test(flavor = "multi_thread")]
async fn g12_a_frontend_with_user_tokens_is_not_concerned_by_the_cookie_of_another() {
    let program = development_program().await;
    let browser = Browser::open().await;
    sign_in_at_service(&browser, &program.base_url(), "linus").await;
    browser.go_to(&program.base_url()).await;
    browser.shown(&id("sign-in-google")).await;
    assert_eq!(kept_token(&browser).await, None, "it is not signed in by the cookie");
    sign_in(&browser, "google", "ada").await;
    assert_eq!(browser.shown(&id("profile-name")).await, "Ada Moreau");
    assert_eq!(session(&browser).await, "Linus Aaltonen");
    browser.click(&id("sign-out")).await;
    browser.shown(&id("sign-in-google")).await;
    assert_eq!(session(&browser).await, "Linus Aaltonen", "the page has signed out its own person alone");
    begin_sign_in(&browser, "github", "ada").await;
    assert_eq!(browser.shown(&id("profile-name")).await, "Ada Moreau");
}
