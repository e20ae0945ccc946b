//! A person at a browser: the service's own page in headless Chromium, from the first look to signing out.

mod guide;
mod session;
mod stage;
mod webdriver;

use std::fs;
use std::path::PathBuf;

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;
use vestibule_provider_emulator::{Persona, Provider};
use vestibule_test_support::TestDatabase;

use crate::world::{APP, TRUSTED, World};
use stage::{
    begin_sign_in, development_program, expect_complaints_only_about, expect_no_complaints, id, kept_token,
    parameters, sign_in,
};
use webdriver::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_chooses_a_username_sees_a_verified_token_and_signs_out() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    sign_in(&browser, "google", "ada").await;

    assert_eq!(browser.shown(&id("profile-name")).await, "Ada Moreau");
    assert_eq!(browser.shown(&id("profile-email")).await, "ada.moreau@example.com");
    assert_eq!(browser.address().await.as_str(), format!("{}/", program.base_url()));
    let token = kept_token(&browser).await.expect("the tab keeps the token");
    assert_eq!(browser.run("return [document.cookie, localStorage.length]", &[]).await, json!(["", 0]));

    browser.type_into(&id("username-input"), "admin").await;
    browser.click(&id("username-submit")).await;
    assert!(browser.shown(&id("username-error")).await.contains("reserved"));
    browser.type_into(&id("username-input"), "Ada-M").await;
    browser.click(&id("username-submit")).await;
    assert_eq!(browser.shown(&id("username-value")).await, "ada-m");
    assert!(!browser.shows(&id("username-input")).await, "a username is chosen once");

    assert_eq!(browser.shown(&id("service-select")).await, "storage\nreports");
    browser.click(&id("fetch-token")).await;
    let verdict = browser.shown_when(&id("verify-result"), |text| !text.starts_with("Verifying")).await;
    assert_eq!(verdict, "Valid: all 6 checks passed");
    assert!(browser.shown(&id("countdown")).await.starts_with("expires in "));
    let user = browser.shown(&id("user-id")).await;
    let permissions: Value = browser.shown(&id("permissions")).await.parse().unwrap();
    assert_eq!(permissions, json!({"provider-token": format!("storage-{user}")}));
    let permission_token = browser.shown(&id("token")).await;
    assert!(permission_token.starts_with("eyJ") && permission_token != token);

    browser.click(&id("sign-out")).await;
    browser.shown(&id("sign-in-google")).await;
    assert_eq!(kept_token(&browser).await, None);
    assert!(!browser.shows(&id("token")).await, "the permission token goes with its person");
    let request = program.client().request(reqwest::Method::GET, "/auth/check").bearer_auth(&token);
    assert_eq!(program.client().send(request).await.json()["authenticated"], false);
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_finds_its_person_again_after_a_reload() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    sign_in(&browser, "google", "ada").await;
    let user = browser.shown(&id("user-id")).await;
    browser.go_to(&program.base_url()).await;
    assert_eq!(browser.shown(&id("user-id")).await, user);

    browser.open_tab().await;
    browser.go_to(&program.base_url()).await;
    browser.shown(&id("sign-in-google")).await;
    assert_eq!(kept_token(&browser).await, None, "a tab keeps its token to itself");
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_and_github_with_one_verified_address_are_one_person() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    sign_in(&browser, "google", "ada").await;
    let user = browser.shown(&id("user-id")).await;
    browser.click(&id("sign-out")).await;
    sign_in(&browser, "github", "ada").await;
    assert_eq!(browser.shown(&id("user-id")).await, user);
    assert!(browser.shown(&id("profile")).await.contains("github:"));
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_provider_is_told_and_can_be_tried_again() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    begin_sign_in(&browser, "google", "refuses").await;
    let told = browser.shown(&id("error-banner")).await;
    assert_eq!(told, "The sign-in was cancelled, or the provider refused it. You can try again.");
    assert_eq!(browser.address().await.as_str(), format!("{}/", program.base_url()));
    sign_in(&browser, "google", "ada").await;
    assert!(!browser.shows(&id("error-banner")).await);
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_callback_address_made_in_another_browser_gives_a_plain_page() {
    let world = World::on(TestDatabase::sqlite()).await;
    let attacker = world.browser();
    let callback = world.reach_callback(&attacker, "google", "grace", APP).await;

    let victim = Browser::open().await;
    victim.go_to(callback.as_str()).await;
    assert_eq!(victim.address().await, callback);
    assert_eq!(victim.shown("h1").await, "This sign-in began in another browser");
    assert_eq!(world.control().token_exchanges(Provider::Google).succeeded, 0);
    expect_complaints_only_about(&victim, "400 (Bad Request)").await;

    victim.click("main a").await;
    victim.shown(&id("sign-in-google")).await;
    assert_eq!(kept_token(&victim).await, None);
    expect_complaints_only_about(&victim, "/auth/check?next=").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_sign_ins_in_several_tabs_all_finish() {
    let program = development_program().await;
    let browser = Browser::open().await;
    let mut tabs = Vec::new();
    for provider in ["google", "github", "google", "github", "google", "github"] {
        let tab = browser.open_tab().await;
        browser.go_to(&program.base_url()).await;
        browser.click(&id(&format!("sign-in-{provider}"))).await;
        browser.shown("a[href$='persona=ada']").await;
        tabs.push(tab);
    }
    for tab in tabs.iter().rev() {
        browser.turn_to(tab).await;
        browser.click("a[href$='persona=ada']").await;
        assert_eq!(browser.shown(&id("profile-name")).await, "Ada Moreau");
    }
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_token_that_arrives_unasked_is_put_before_the_person() {
    let world = World::on(TestDatabase::sqlite()).await;
    let foreign = world.sign_in("google", "linus").await;
    let link = format!("{}/?jwt={foreign}", world.program.base_url());
    let browser = Browser::open().await;

    browser.go_to(&link).await;
    assert!(browser.shown("[data-view=confirm]").await.contains("Linus Aaltonen"));
    assert_eq!(parameters(&browser.address().await), Vec::<String>::new());
    assert_eq!(kept_token(&browser).await, None);
    browser.click(&id("confirm-discard")).await;
    browser.shown(&id("sign-in-google")).await;
    assert_eq!(kept_token(&browser).await, None);

    browser.go_to(&link).await;
    browser.click(&id("confirm-continue")).await;
    assert_eq!(browser.shown(&id("profile-name")).await, "Linus Aaltonen");
    assert_eq!(kept_token(&browser).await, Some(foreign));
    expect_complaints_only_about(&browser, "/auth/check?next=").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_an_attempt_of_this_tab_does_not_vouch_for_another_token() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    browser.shown(&id("sign-in-google")).await;
    let stranger = Browser::open().await;
    stranger.go_to(&program.base_url()).await;
    sign_in(&stranger, "google", "linus").await;
    let token = kept_token(&stranger).await.unwrap();

    for guess in ["", "&attempt=", "&attempt=00000000000000000000000000000000", "&attempt=null"] {
        browser.go_to(&format!("{}/?jwt={token}{guess}", program.base_url())).await;
        assert!(browser.shown("[data-view=confirm]").await.contains("Linus Aaltonen"), "{guess}");
        assert_eq!(kept_token(&browser).await, None, "{guess}");
    }
    expect_no_complaints(&browser).await;
}

/// Its page asks with `next` first, which is refused, and so a sign-in can carry no value that proves who began it.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_allows_its_frontends_alone_still_signs_in_at_its_own_page() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = Browser::open().await;
    browser.go_to(&world.program.base_url()).await;
    begin_sign_in(&browser, "corporate", "ada").await;
    browser.click(&id("confirm-continue")).await;
    assert_eq!(browser.shown(&id("profile-name")).await, "Ada Moreau");
    assert!(!browser.shows(&id("fetch-token")).await, "the demonstration belongs to development");
    expect_complaints_only_about(&browser, "/auth/check?next=").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_a_hostile_profile_is_shown_as_text() {
    let world = World::on(TestDatabase::sqlite()).await;
    let hostile = "<img src=x onerror=\"document.title='owned'\">";
    let mut persona = Persona::ordinary("mallory", hostile, 77);
    persona.google["picture"] = json!("javascript:document.title='owned'");
    world.control().put_persona(persona);
    let token = world.sign_in("google", "mallory").await;

    let browser = Browser::open().await;
    browser.go_to(&format!("{}/?jwt={token}", world.program.base_url())).await;
    assert!(browser.shown("[data-view=confirm]").await.contains(hostile));
    browser.click(&id("confirm-continue")).await;
    assert_eq!(browser.shown(&id("profile-name")).await, hostile);
    assert_eq!(browser.run("return document.title", &[]).await, "Vestibule");
    expect_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g9_an_error_in_the_address_is_never_shown_as_it_stands() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = Browser::open().await;
    for error in ["<script>alert(1)</script>", "Call 555-0100 to unlock your account", "constructor"] {
        let mut address = world.program.client().get("/").await.url;
        address.query_pairs_mut().append_pair("error", error);
        browser.go_to(address.as_str()).await;
        let told = browser.shown(&id("error-banner")).await;
        assert_eq!(told, "The sign-in did not work. Please try again.", "{error}");
        assert_eq!(parameters(&browser.address().await), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g9_no_page_can_be_framed() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    let paths =
        ["/", "/docs", "/auth/oauth_callback", "/auth/callback/corporate", "/auth/check", "/openapi.json"];
    let frames = paths.map(|path| format!("<iframe src='{base}{path}'></iframe>"));
    let browser = Browser::open().await;
    browser.go_to(&stage::serve_page(frames.concat()).await).await;
    let complaints = browser.complaints().await;
    let refusal = format!(
        "Framing '{base}/' violates the following Content Security Policy directive: \"frame-ancestors 'none'\""
    );
    let refused = complaints.iter().filter(|text| text.contains(&refusal)).count();
    assert_eq!(refused, paths.len(), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_of_the_interface_is_shown_under_its_policy() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = Browser::open().await;
    browser.go_to(&format!("{}/docs", world.program.base_url())).await;
    browser.shown_when("#ui", |text| text.contains("/auth/authorize")).await;
    expect_no_complaints(&browser).await;
}

/// Also keeps them as `docs/images/*.png` when the environment names a folder in `PICTURES`, as `make screenshot` does.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_can_be_taken_of_the_pages() {
    let program = development_program().await;
    let browser = Browser::open().await;
    browser.go_to(&program.base_url()).await;
    browser.shown(&id("sign-in-google")).await;
    take_picture(&browser, "front-page", (1200, 800)).await;

    sign_in(&browser, "google", "ada").await;
    browser.type_into(&id("username-input"), "ada").await;
    browser.click(&id("username-submit")).await;
    browser.shown(&id("username-value")).await;
    browser.click(&id("fetch-token")).await;
    browser.shown_when(&id("verify-result"), |text| text.starts_with("Valid")).await;
    browser.run("document.activeElement.blur(); document.querySelector('#notice').hidden = true", &[]).await;
    take_picture(&browser, "demo", (1200, 900)).await;

    browser.go_to(&format!("{}/docs", program.base_url())).await;
    browser.shown_when("#ui", |text| text.contains("/auth/authorize")).await;
    take_picture(&browser, "api-documentation", (1200, 800)).await;
}

async fn take_picture(browser: &Browser, name: &str, size: (u32, u32)) {
    browser.resize(size).await;
    let picture = browser.screenshot().await;
    assert_eq!(picture.size(), size, "{name}");
    assert!(picture.0.len() > 10_000, "{name} shows next to nothing");
    if let Some(folder) = std::env::var_os("PICTURES") {
        fs::write(PathBuf::from(folder).join(format!("{name}.png")), &picture.0).unwrap();
    }
}

/// Every text that tries to look like an allowed origin to one parser and not to another. Whatever the service takes,
/// Chromium must read as an origin that is allowed: it is Chromium that the token is sent through.
#[tokio::test(flavor = "multi_thread")]
async fn a3_chromium_reads_an_allowed_origin_in_every_next_that_is_accepted() {
    const SCRIPT: &str = "const [list, allowed] = arguments;
        const origins = (next) => [new URL(next).origin, new URL(next, location).origin];
        return list.filter((next) => !origins(next).every((origin) => allowed.includes(origin)));";
    let world = World::on(TestDatabase::sqlite()).await;
    let client = world.browser();
    let mut accepted = Vec::new();
    for next in stage::hostile_nexts() {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
        let answer = client.get(&format!("/auth/check?{query}")).await;
        if answer.status == StatusCode::OK {
            accepted.push(next);
        } else {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{next}");
            assert_eq!(answer.json()["error"], "invalid_next", "{next}");
        }
    }
    assert!(accepted.len() > 100, "the list has to get somewhere: {}", accepted.len());

    let browser = Browser::open().await;
    browser.go_to(&world.program.base_url()).await;
    let allowed = ["https://app.example.com", "http://localhost:3000"];
    assert_eq!(browser.run(SCRIPT, &[json!(accepted), json!(allowed)]).await, json!([]));
}

/// The label is text of the operator, whatever it looks like.
#[tokio::test(flavor = "multi_thread")]
async fn g9_a_provider_has_its_label_on_the_button_and_in_the_profile() {
    const LABEL: &str = "Corp <img src=x onerror=alert(1)> & \"Sons\"";
    let world = World::builder(TestDatabase::sqlite());
    let world = world.corporate(&format!("{TRUSTED}\nlabel = '{LABEL}'")).start().await;
    let token = world.sign_in("corporate", "ada").await;
    let browser = Browser::open().await;
    browser.go_to(&world.program.base_url()).await;
    assert_eq!(browser.shown(&id("sign-in-corporate")).await, format!("Continue with {LABEL}"));
    assert_eq!(browser.shown(&id("sign-in-github")).await, "Continue with GitHub");

    browser.go_to(&format!("{}/?jwt={token}", world.program.base_url())).await;
    browser.click(&id("confirm-continue")).await;
    assert!(browser.shown(&id("profile")).await.contains(LABEL));
    assert_eq!(browser.run("return document.querySelector('img[src=x]')", &[]).await, Value::Null);
    expect_complaints_only_about(&browser, "/auth/check?next=").await;
}
