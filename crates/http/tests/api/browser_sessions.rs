//! Sessions that a browser holds by a cookie, at the pages of the service itself.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_provider_emulator::{Issuer, Tampering};
use vestibule_test_support::{Answer, on_both_databases, with_parameter};

use crate::app::{EXTERNAL_ADDRESS, PROVIDERS, TestApp};
use crate::clients::{ApiClient as _, Browser};

const COOKIE: &str = "__Host-vestibule-session";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Signs in at the service itself and is led to `/account`.
async fn sign_in(app: &TestApp, browser: &Browser<'_>, provider: &str, persona: &str) -> Answer {
    let callback = app.reach_callback(browser, provider, persona, "/account").await;
    browser.get(callback.as_str()).await
}

/// A browser in which this persona is signed in.
async fn signed_in<'a>(app: &'a TestApp, persona: &str) -> Browser<'a> {
    let browser = app.browser();
    let answer = sign_in(app, &browser, "google", persona).await;
    assert_eq!(answer.location().as_str(), format!("{EXTERNAL_ADDRESS}/account"), "{}", answer.body);
    browser
}

/// A request of a page of ours.
async fn own(browser: &Browser<'_>, method: Method, address: &str) -> Answer {
    browser.send(browser.request(method, address).header("sec-fetch-site", "same-origin")).await
}

async fn read(browser: &Browser<'_>) -> Answer {
    own(browser, Method::GET, "/auth/session").await
}

async fn uid(browser: &Browser<'_>) -> Option<String> {
    let answer = read(browser).await;
    match answer.status.as_u16() {
        200 => Some(answer.json()["uid"].as_str().unwrap().to_owned()),
        401 => None,
        other => panic!("{other}: {}", answer.body),
    }
}

/// The status and the code of a refusal.
fn refusal(answer: &Answer) -> (u16, Value, Value) {
    let body = answer.json();
    assert_eq!((&body["code"], &body["msg"]), (&json!(answer.status.as_u16()), &body["error_description"]));
    (answer.status.as_u16(), body["type"].clone(), body["error"].clone())
}

/// Shows once more who one is, in a browser that perhaps is signed in.
async fn step_up(browser: &Browser<'_>, persona: &str) -> Answer {
    let begun = browser.get("/auth/login/google?next=%2Faccount&step_up=1").await;
    let provider = begun.location();
    let asked: Vec<_> =
        provider.query_pairs().filter(|(name, _)| name == "prompt" || name == "max_age").collect();
    assert_eq!(asked, [("prompt".into(), "login".into()), ("max_age".into(), "0".into())]);
    let callback = browser.get(with_parameter(&provider, "persona", persona).as_str()).await.location();
    browser.get(callback.as_str()).await
}

on_both_databases! {
    async fn a_sign_in_at_the_service_itself_sets_a_cookie_and_puts_nothing_into_the_address(database) {
        let app = TestApp::on(database).await;
        for provider in PROVIDERS {
            let browser = app.browser();
            let answer = sign_in(&app, &browser, provider, "ada").await;
            assert_eq!(answer.location().as_str(), format!("{EXTERNAL_ADDRESS}/account"), "{provider}");
            let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(set.len(), 1);
            assert!(set[0].starts_with(&format!("{COOKIE}=")) && set[0].contains("Max-Age=2592000"), "{}", set[0]);
            let session = read(&browser).await;
            assert_eq!(session.header("etag"), Some("\"0\""));
            let session = session.json();
            assert_eq!(session["provider_id"].as_str().unwrap().split(':').next(), Some(provider));
            assert_eq!((&session["fullname"], &session["roleaccount"]), (&json!("Ada Moreau"), &json!(false)));
            assert_eq!((&session["services"], &session["scopes"]), (&json!(null), &json!(null)));
            assert_eq!((&session["metadata"], &session["data"]), (&json!({"scope": []}), &json!({})));
            assert_eq!(session["session"]["kind"], "browser");
            assert_eq!(session["session"]["created_at"], "2026-01-01T12:00:00Z");
            assert_eq!(session["session"]["idle_expires_at"], "2026-01-08T12:00:00Z");
            assert_eq!(session["session"]["expires_at"], "2026-01-31T12:00:00Z");
        }
    }

    async fn g1_each_sign_in_makes_a_new_cookie_and_keeps_the_session_of_the_same_user_alone(database) {
        let app = TestApp::on(database).await;
        let browser = signed_in(&app, "ada").await;
        let (old, ada) = (browser.cookie(COOKIE).unwrap(), uid(&browser).await.unwrap());
        let began = read(&browser).await.json()["session"]["created_at"].clone();
        app.clock.advance(Duration::from_secs(60));
        sign_in(&app, &browser, "google", "ada").await;
        assert_ne!(browser.cookie(COOKIE).unwrap(), old);
        let session = read(&browser).await.json()["session"].clone();
        assert_eq!((&session["created_at"], &session["auth_time"]), (&began, &json!("2026-01-01T12:01:00Z")));
        let thief = app.browser();
        thief.set_cookie(&format!("{COOKIE}={old}; Path=/; Secure"));
        assert_eq!(uid(&thief).await, None, "the old text is dead");

        let stolen = browser.cookie(COOKIE).unwrap();
        sign_in(&app, &browser, "google", "linus").await;
        assert_ne!(uid(&browser).await.unwrap(), ada);
        thief.set_cookie(&format!("{COOKIE}={stolen}; Path=/; Secure"));
        assert_eq!(uid(&thief).await, None, "Ada's session in this browser is over");
    }

    async fn g1_a_cookie_that_was_set_before_is_not_taken_over(database) {
        let app = TestApp::on(database).await;
        let attacker = app.browser();
        let planted = "A".repeat(43);
        let browser = app.browser();
        for value in [planted.as_str(), "rubbish"] {
            browser.set_cookie(&format!("{COOKIE}={value}; Path=/; Secure"));
            attacker.set_cookie(&format!("{COOKIE}={value}; Path=/; Secure"));
            sign_in(&app, &browser, "google", "ada").await;
            assert_ne!(browser.cookie(COOKIE).unwrap(), value);
            assert_eq!(uid(&attacker).await, None);
            assert!(uid(&browser).await.is_some());
        }
    }

    async fn g4_a_browser_is_signed_out_when_it_was_not_used_and_when_its_sign_in_is_old(database) {
        let app = TestApp::on(database).await;
        let (idle, busy) = (signed_in(&app, "ada").await, signed_in(&app, "ada").await);
        app.clock.advance(Duration::from_secs(7 * 86_400 - 1));
        assert!(uid(&busy).await.is_some());
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(uid(&idle).await, None, "unused for a week");
        assert_eq!(uid(&idle).await, None, "asking is no use of what is over");
        for _ in 0..3 {
            app.clock.advance(DAY * 6);
            assert!(uid(&busy).await.is_some());
        }
        app.clock.advance(Duration::from_secs(5 * 86_400 - 1));
        assert!(uid(&busy).await.is_some());
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(uid(&busy).await, None, "a month after the sign-in, however busy");
    }

    async fn d9_signing_out_ends_this_browsers_session_and_everywhere_ends_all(database) {
        let app = TestApp::on(database).await;
        let (here, there) = (signed_in(&app, "ada").await, signed_in(&app, "ada").await);
        let token = app.sign_in("google", "ada").await;
        let (stolen, sign_out) = (here.cookie(COOKIE).unwrap(), "/auth/logout?session=cookie");
        let answer = own(&here, Method::POST, sign_out).await;
        assert_eq!(answer.json(), json!({"success": true}));
        assert!(here.cookie(COOKIE).is_none(), "the browser forgets it");
        here.set_cookie(&format!("{COOKIE}={stolen}; Path=/; Secure"));
        assert_eq!(uid(&here).await, None, "and it is dead");
        assert!(uid(&there).await.is_some() && app.is_signed_in(&token).await);
        own(&there, Method::POST, "/auth/logout?session=cookie&all=true").await;
        assert_eq!(uid(&there).await, None);
        assert!(!app.is_signed_in(&token).await);
    }

    async fn g5_at_the_originals_routes_a_cookie_counts_only_if_it_is_asked_for_by_our_own_page(database) {
        let app = TestApp::builder(database).plugins().build().await;
        let browser = signed_in(&app, "ada").await;
        let check = async |address: &str, site: Option<&str>| {
            let request = browser.request(Method::GET, address);
            let request = match site { Some(site) => request.header("sec-fetch-site", site), None => request };
            browser.send(request).await.json()["authenticated"].clone()
        };
        assert_eq!(check("/auth/check", Some("same-origin")).await, false, "existing clients notice nothing");
        assert_eq!(check("/auth/check?session=cookie", Some("same-origin")).await, true);
        for site in ["cross-site", "same-site"] {
            assert_eq!(check("/auth/check?session=cookie", Some(site)).await, false, "{site}");
        }
        let authorize = own(&browser, Method::GET, "/auth/authorize?service=storage").await.json();
        assert_eq!(authorize, json!({"permissions": {}}));
        let authorize = own(&browser, Method::GET, "/auth/authorize?service=storage&session=cookie").await.json();
        assert_eq!(authorize["service"], "storage");
        for (site, address) in [("cross-site", "/auth/update?session=cookie"), ("same-origin", "/auth/update")] {
            let request = browser.request(Method::POST, address).header("sec-fetch-site", site);
            let answer = browser.send(request.form(&[("username", "ada")])).await.json();
            assert_eq!(answer["success"], false, "{site} {address}: answered as nobody");
        }
        for headers in [&[("sec-fetch-site", "cross-site")][..], &[], &[("origin", "null")]] {
            let request = browser.request(Method::POST, "/auth/logout?session=cookie");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            assert_eq!(browser.send(request).await.status, 200);
            assert!(uid(&browser).await.is_some(), "{headers:?}: and nothing was done");
        }
        let request = browser.request(Method::POST, "/auth/update").header("origin", EXTERNAL_ADDRESS);
        let answer = browser.send(request.form(&[("username", "ada"), ("session", "cookie")])).await.json();
        assert_eq!(answer["success"], true, "a browser without Sec-Fetch, and the form asks");
    }

    async fn g12_a_bad_token_is_not_replaced_by_the_cookie_and_two_cookies_are_none(database) {
        let app = TestApp::on(database).await;
        let (browser, other) = (signed_in(&app, "ada").await, app.sign_in("google", "linus").await);
        app.with_token(&other).post("/auth/logout", &[]).await;
        let cookie = browser.cookie(COOKIE).unwrap();
        for token in [other.as_str(), "rubbish", cookie.as_str()] {
            for (name, value) in [("authorization", format!("Bearer {token}")), ("auth-token", token.to_owned())] {
                let request = browser.request(Method::GET, "/auth/session").header(name, value);
                let answer = browser.send(request.header("sec-fetch-site", "same-origin")).await;
                assert_eq!(refusal(&answer), (401, json!("token"), json!("invalid_token")));
                assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
            }
            let asked = own(&browser, Method::GET, &format!("/auth/check?session=cookie&jwt={token}")).await.json();
            assert_eq!(asked["authenticated"], false);
        }
        let header = |value: String| app.requests.request(Method::GET, &format!("{EXTERNAL_ADDRESS}/auth/session")).header("cookie", value);
        let send = async |value| app.call(header(value).build().unwrap()).await.status;
        assert_eq!(send(format!("{COOKIE}={cookie}")).await, 200);
        assert_eq!(send(format!("{COOKIE}={cookie}; {COOKIE}={}", "A".repeat(43))).await, 401);
        assert_eq!(send(format!("vestibule-session={cookie}; __Host-vestibule-sign-in={cookie}")).await, 401);
    }

    async fn g11_a_request_may_ask_more_of_a_session_and_ends_nothing_by_it(database) {
        let app = TestApp::on(database).await;
        let browser = signed_in(&app, "ada").await;
        let ask = async |query: &str| own(&browser, Method::GET, &format!("/auth/session?{query}")).await;
        app.clock.advance(DAY);
        let idle = ask("expiry_time=86399").await;
        assert_eq!(refusal(&idle), (401, json!("token"), json!("session_idle")));
        assert_eq!(refusal(&ask("expiry_time=86399").await).2, "session_idle", "being refused is no use of it");
        assert_eq!(refusal(&ask("max_age=900").await).2, "session_not_fresh");
        assert_eq!(ask("expiry_time=86400&max_age=86400").await.status, 200, "it still is");
        assert_eq!(ask("expiry_time=600").await.status, 200, "and now it was used");
        assert_eq!(ask("expiry_time=18446744073709551615&max_age=18446744073709551615").await.status, 200);
        for odd in ["expiry_time=599", "expiry_time=-1", "max_age=1e400", "max_age=-1", "max_age=x"] {
            let answer = ask(odd).await;
            assert_eq!(refusal(&answer), (400, json!("request"), json!("invalid_request")), "{odd}");
            let name = odd.split_once('=').unwrap().0;
            assert!(answer.body.contains(name), "{}", answer.body);
        }
        app.clock.advance(DAY * 7);
        assert_eq!(ask("expiry_time=99999999").await.status, 401, "nothing is widened");
        let anonymous = app.anonymous().get("/auth/session").await;
        assert_eq!(refusal(&anonymous), (401, json!("request"), json!("not_signed_in")));
        assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"));
    }

    async fn g13_a_step_up_makes_the_same_session_fresh(database) {
        let app = TestApp::on(database).await;
        let browser = signed_in(&app, "ada").await;
        let (ada, old) = (uid(&browser).await, browser.cookie(COOKIE).unwrap());
        app.clock.advance(DAY);
        assert_eq!(own(&browser, Method::GET, "/auth/session?max_age=60").await.status, 401);
        let answer = step_up(&browser, "ada").await;
        assert_eq!(answer.location().as_str(), format!("{EXTERNAL_ADDRESS}/account"));
        assert_eq!(own(&browser, Method::GET, "/auth/session?max_age=60").await.status, 200);
        assert_eq!(uid(&browser).await, ada);
        assert_ne!(browser.cookie(COOKIE).unwrap(), old);
    }

    async fn g13_a_step_up_that_is_none_is_said_plainly_and_leads_into_no_loop(database) {
        let app = TestApp::on(database).await;
        let browser = signed_in(&app, "ada").await;
        app.clock.advance(DAY);
        let long_ago = 1_767_268_800;
        app.control().tamper(Issuer::Google, vec![Tampering::set_claim("auth_time", long_ago)]);
        let answer = step_up(&browser, "ada").await;
        assert_eq!(answer.location().path(), "/sign-in");
        let page = browser.follow(&answer).await;
        assert!(page.status == 200 && page.body.contains("without asking who you are"), "{}", page.body);
        assert_eq!(own(&browser, Method::GET, "/auth/session?max_age=60").await.status, 401, "still not fresh");
        app.control().clear_tampering(Issuer::Google);

        let answer = step_up(&browser, "linus").await;
        let page = browser.follow(&answer).await;
        assert!(page.status == 200 && page.body.contains("another account than before"), "{}", page.body);
        assert_eq!(read(&browser).await.json()["fullname"], "Linus Aaltonen");
    }

    async fn g4_an_auth_time_in_the_future_is_not_fresh_for_ever(database) {
        let app = TestApp::on(database).await;
        app.control().tamper(Issuer::Google, vec![Tampering::set_claim("auth_time", 1_900_000_000)]);
        let browser = signed_in(&app, "ada").await;
        assert_eq!(own(&browser, Method::GET, "/auth/session?max_age=60").await.status, 200);
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(own(&browser, Method::GET, "/auth/session?max_age=60").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_token_reads_its_session_and_knows_no_idle_time() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let session = app.with_token(&token).get("/auth/session").await.json();
    assert_eq!(session["session"]["kind"], "token");
    assert_eq!(session["session"]["idle_expires_at"], json!(null));
    app.clock.advance(DAY * 13);
    assert!(app.is_signed_in(&token).await);
    assert_eq!(app.with_token(&token).get("/auth/session?max_age=900").await.status, 401);
    assert_eq!(
        app.with_token(&token).get("/auth/session?expiry_time=86400").await.status,
        200,
        "used a moment ago"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_up_leads_to_a_page_of_the_service_itself_alone() {
    let app = TestApp::new().await;
    for query in ["next=https%3A%2F%2Fapp.example.com%2F&step_up=1", "step_up=1", "next=%2Faccount&step_up=2"]
    {
        let answer = app.anonymous().get(&format!("/auth/login/google?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!("invalid_request")),
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_offers_all_ways_and_says_what_went_wrong_in_words_of_its_own() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let page = browser.get("/sign-in?next=%2Faccount%3Fx%3D%22%3Cb%3E&error=%3Cscript%3E").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for provider in PROVIDERS {
        assert!(page.body.contains(&format!("data-provider=\"{provider}\"")), "{provider}");
    }
    assert!(!page.body.contains("<script") && !page.body.contains("<b>"), "{}", page.body);
    for (next, status) in [
        ("/account", 200),
        ("https://auth.example.com/account", 200),
        ("//evil.example/account", 400),
        ("https://app.example.com/", 400),
        ("/auth/logout", 400),
    ] {
        let address = format!(
            "/sign-in?next={}",
            url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()
        );
        assert_eq!(browser.get(&address).await.status, status, "{next}");
    }
    let declined = app.reach_callback(&browser, "google", "refuses", "/account").await;
    let back = browser.get(declined.as_str()).await;
    assert_eq!(
        back.location().as_str(),
        format!("{EXTERNAL_ADDRESS}/sign-in?next=%2Faccount&error=access_denied")
    );
    assert!(browser.follow(&back).await.body.contains("The sign-in was declined."));
    let signed_in = signed_in(&app, "ada").await;
    assert!(signed_in.get("/sign-in").await.body.contains("Ada Moreau"));
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_who_is_signed_in_signs_out_by_a_button_of_our_own_page_alone() {
    let app = TestApp::new().await;
    let browser = signed_in(&app, "ada").await;
    let page = browser.get("/sign-in").await;
    assert_eq!(page.header("referrer-policy"), Some("same-origin"), "its form has an origin");
    assert!(page.body.contains("<form method=\"post\" action=\"/auth/logout\">"), "{}", page.body);
    let press = async |site: &str| {
        let request = browser.request(Method::POST, "/auth/logout").form(&[("session", "cookie")]);
        let request = request.header("sec-fetch-site", site).header("sec-fetch-mode", "navigate");
        browser.send(request).await
    };
    let led = format!("{EXTERNAL_ADDRESS}/sign-in?notice=signed_out");
    for site in ["cross-site", "same-site", "none"] {
        let answer = press(site).await;
        assert_eq!(answer.location().as_str(), led, "{site}");
        assert!(!browser.follow(&answer).await.body.contains("You are signed out."), "{site}");
        assert!(uid(&browser).await.is_some(), "{site}: another's form ends nothing");
    }
    let answer = press("same-origin").await;
    assert_eq!((answer.status.as_u16(), answer.location().as_str()), (303, led.as_str()));
    assert_eq!((uid(&browser).await, browser.cookie(COOKIE)), (None, None));
    let page = browser.follow(&answer).await;
    assert!(page.body.contains("You are signed out.") && !page.body.contains("sign-out"), "{}", page.body);
    assert_eq!(press("same-origin").await.location().as_str(), led, "twice is as once");
    let script = browser.request(Method::POST, "/auth/logout").form(&[("session", "cookie")]);
    let told = browser.send(script.header("sec-fetch-mode", "cors")).await;
    assert_eq!(told.json(), json!({"success": true}), "a script is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_without_session_cookies_there_are_none_and_no_page_that_needs_one() {
    let app = TestApp::builder(vestibule_test_support::TestDatabase::sqlite())
        .flows(|flows| flows.session_cookie = false)
        .build()
        .await;
    let browser = app.browser();
    assert_eq!(browser.get("/sign-in").await.status, 404);
    let refused = browser.get("/auth/login/google?next=%2Faccount").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &json!("invalid_next")));
    browser.set_cookie(&format!("{COOKIE}={}; Path=/; Secure", "A".repeat(43)));
    assert_eq!(own(&browser, Method::GET, "/auth/session").await.json()["error"], "not_signed_in");
    let token = app.sign_in("google", "ada").await;
    assert!(app.is_signed_in(&token).await, "frontends are not concerned");
}
