//! The code of docs/frontend.md, in a page of another origin, where it has to prove itself: a second check while the links of the
//! first are on the screen, a router in the fragment, and a service that is away.

use serde_json::{Value, json};
use vestibule_test_support::{Shutdown, TestCluster, TestDatabase, eventually};

use super::stage::serve_page;
use super::webdriver::Browser;
use crate::documents::markdown::Document;
use crate::world::World;

/// Where the frontend of the stage is, to which somebody else has signed in.
const APP_ORIGIN: &str = "https://app.example.com";

/// The page of a frontend developer who has copied the guide and written the two functions that it leaves to them.
fn page(service: &str) -> String {
    let fences = Document::read("docs/frontend.md").fences();
    let code = fences
        .into_iter()
        .find(|fence| fence.code.contains("SERVICE ="))
        .expect("the code of the guide")
        .code;
    let code = code.replace("https://auth.example.com", service);
    format!(
        "<!doctype html><title>A frontend</title><body><script type=module>
        function showAnswer(answer) {{
          window.shown = answer;
          document.body.replaceChildren(...signInLinks(answer.providers ?? {{}}));
        }}
        function showTryAgain(failure) {{ window.shown = {{ failure: String(failure) }}; }}
        window.askAgain = () => refresh().then(showAnswer, showTryAgain);
        {code}</script>"
    )
}

/// What the page shows, when its request is over.
async fn shown(browser: &Browser) -> Value {
    eventually("the page shows something", async || {
        !browser.run("return window.shown ?? null", &[]).await.is_null()
    })
    .await;
    browser.run("return window.shown", &[]).await
}

async fn reload(browser: &Browser) -> Value {
    browser.run("window.shown = undefined; location.reload()", &[]).await;
    shown(browser).await
}

async fn token(browser: &Browser) -> Value {
    browser.run("return sessionStorage.getItem('token')", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_s_page_keeps_links_address_and_session() {
    let mut cluster = TestCluster::start();
    let builder = World::builder(cluster.create_database());
    let home = serve_page(page(&builder.base_url())).await;
    let mut world = builder.setting("ALLOWED_ORIGINS", home.trim_end_matches('/')).start().await;
    let browser = Browser::open().await;

    let place = format!("{home}?tab=2#/orders/5?sort=a");
    browser.go_to(&place).await;
    let first = shown(&browser).await;
    assert_eq!(first["authenticated"], false, "{first}");
    let links = browser.run("return [...document.links].map(({ textContent }) => textContent)", &[]).await;
    assert_eq!(links, json!(["Sign in with Corporate", "Sign in with GitHub", "Sign in with Google"]));
    let older_link = first["providers"]["google"]["url"].as_str().expect("a link").to_owned();
    browser.run("window.shown = undefined; askAgain()", &[]).await;
    assert_eq!(shown(&browser).await["authenticated"], false);

    browser.go_to(&older_link).await;
    browser.click("a[href$='persona=ada']").await;
    eventually("the page is back", async || browser.address().await.as_str() == place).await;
    let answer = shown(&browser).await;
    assert_eq!(answer["authenticated"], true, "{answer}");
    let kept = token(&browser).await;
    assert!(kept.is_string());

    cluster.stop(Shutdown::Fast);
    eventually("the check fails", async || reload(&browser).await["failure"].is_string()).await;
    assert!(shown(&browser).await["failure"].as_str().is_some_and(|text| text.contains("503")));
    assert_eq!(token(&browser).await, kept, "while the database is away");
    cluster.start_again();
    eventually("the check is back", async || reload(&browser).await["authenticated"] == true).await;

    world.program.stop().await;
    assert!(reload(&browser).await["failure"].is_string());
    assert_eq!(token(&browser).await, kept, "while the service is away");
    world.program.start_again().await;
    assert_eq!(reload(&browser).await["authenticated"], true);

    world.post_as(kept.as_str().unwrap(), "/auth/logout", &[]).await;
    assert_eq!(reload(&browser).await["authenticated"], false);
    assert_eq!(token(&browser).await, json!(null), "the session is over");
}

/// A link with somebody else's token, which this tab has not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn b11_the_guide_s_page_takes_no_token_that_it_has_not_asked_for() {
    let builder = World::builder(TestDatabase::sqlite());
    let home = serve_page(page(&builder.base_url())).await;
    let origins = format!("{home};{APP_ORIGIN}", home = home.trim_end_matches('/'));
    let world = builder.setting("ALLOWED_ORIGINS", &origins).start().await;
    let theirs = world.sign_in("google", "grace").await;
    let browser = Browser::open().await;
    for link in [format!("{home}?jwt={theirs}"), format!("{home}?jwt={theirs}&attempt=made-up")] {
        browser.go_to(&link).await;
        assert_eq!(shown(&browser).await["authenticated"], false);
        assert_eq!(token(&browser).await, json!(null));
        assert_eq!(browser.address().await.as_str(), home);
    }
}
