//! A person signs in: through each provider, as each persona of the emulator.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::{Answer, TestDatabase, on_both_databases, parameter};

use crate::app::{CORPORATE_LABEL, EXTERNAL_ADDRESS, FRONTEND, PROVIDERS, TestApp};
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

/// The whole profile that check answers, with what a provider states about a person. Id and join date are ours: they
/// are only held to their form.
fn assert_profile(
    profile: &Value,
    name: Option<&str>,
    email: Option<&str>,
    avatar: Option<&str>,
    provider: &str,
) {
    let id = profile["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let join_date = profile["join_date"].as_str().unwrap();
    assert!(join_date.len() >= 20 && join_date.starts_with("20") && join_date.ends_with('Z'), "{join_date}");
    let expected = json!({
        "id": id,
        "idhash": id,
        "name": name,
        "email": email,
        "avatar_url": avatar,
        "provider_id": provider,
        "join_date": join_date,
    });
    assert_eq!(profile, &expected);
}

on_both_databases! {
    /// An address that every provider has verified makes one user of three identities; what is shown comes from the
    /// provider that was used last.
    async fn an_ordinary_person_signs_in_with_each_provider(database) {
        let app = TestApp::on(database).await;
        let mut ids = Vec::new();
        for (provider, avatar, identity) in [
            ("google", "https://pictures.example.com/108204268033304201017.jpg", "google:108204268033304201017"),
            ("github", "https://avatars.example.com/u/4201017?v=4", "github:4201017"),
            ("corporate", "https://intranet.example.com/faces/employee-4201017.jpg", "corporate:employee-4201017"),
        ] {
            let profile = app.profile(&app.sign_in(provider, "ada").await).await;
            let email = Some("ada.moreau@example.com");
            assert_profile(&profile, Some("Ada Moreau"), email, Some(avatar), identity);
            ids.push(profile["id"].clone());
        }
        assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    }

    /// Without a verified address there is none in the profile, and nothing that would make one user of three.
    async fn a_person_with_an_unverified_address_signs_in_without_one(database) {
        let app = TestApp::on(database).await;
        let mut ids = Vec::new();
        for (provider, avatar, identity) in [
            ("google", "https://pictures.example.com/108204268033305318842.jpg", "google:108204268033305318842"),
            ("github", "https://avatars.example.com/u/5318842?v=4", "github:5318842"),
            ("corporate", "https://intranet.example.com/faces/employee-5318842.jpg", "corporate:employee-5318842"),
        ] {
            let profile = app.profile(&app.sign_in(provider, "grace").await).await;
            assert_profile(&profile, Some("Grace Lindqvist"), None, Some(avatar), identity);
            ids.push(profile["id"].clone());
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    }

    /// GitHub gives addresses in pages; the one that counts is on the second.
    async fn a_verified_address_on_the_second_page_is_found(database) {
        let app = TestApp::on(database).await;
        let profile = app.profile(&app.sign_in("github", "linus").await).await;
        let avatar = Some("https://avatars.example.com/u/1024768?v=4");
        let email = Some("linus.aaltonen@example.org");
        assert_profile(&profile, Some("Linus Aaltonen"), email, avatar, "github:1024768");
        for other in ["google", "corporate"] {
            let same = app.profile(&app.sign_in(other, "linus").await).await;
            assert_eq!((&same["id"], &same["email"]), (&profile["id"], &profile["email"]));
        }
    }

    /// The issuers say nothing of a name; at GitHub, whoever has none goes by the login.
    async fn a_person_without_a_name_signs_in(database) {
        let app = TestApp::on(database).await;
        let email = Some("k7xq2@example.com");
        for (provider, identity) in
            [("google", "google:108204268033307770001"), ("corporate", "corporate:employee-7770001")]
        {
            let profile = app.profile(&app.sign_in(provider, "no-name").await).await;
            assert_profile(&profile, None, email, None, identity);
        }
        let profile = app.profile(&app.sign_in("github", "no-name").await).await;
        let avatar = Some("https://avatars.example.com/u/7770001?v=4");
        assert_profile(&profile, Some("k7xq2"), email, avatar, "github:7770001");
    }

    /// Whoever is renamed stays who they are, and is shown under the new name from the next sign-in on.
    async fn a_renamed_person_stays_the_same_user(database) {
        let app = TestApp::on(database).await;
        for provider in PROVIDERS {
            let first = app.profile(&app.sign_in(provider, "renamed").await).await;
            let token = app.sign_in(provider, "renamed").await;
            let second = app.profile(&token).await;
            assert_eq!(first["name"], "Robin Oduya");
            assert_eq!(second["name"], "Robin Hale 1");
            assert_eq!(first["id"], second["id"]);
            assert_eq!(first["join_date"], second["join_date"]);
        }
    }

    async fn a_slow_provider_is_waited_for(database) {
        let app = TestApp::on(database).await;
        app.control().set_slow_delay(Duration::from_millis(500));
        for provider in PROVIDERS {
            let profile = app.profile(&app.sign_in(provider, "slow").await).await;
            assert_eq!(profile["email"], "sam.brandt@example.com", "{provider}");
        }
    }

    /// The frontend hears that the person said no; nobody is signed in and no user comes into being.
    async fn a_person_who_refuses_comes_back_without_a_token(database) {
        let app = TestApp::on(database).await;
        for provider in PROVIDERS {
            assert_eq!(app.fail_to_sign_in(provider, "refuses").await, "access_denied", "{provider}");
        }
        app.assert_no_user().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_learns_where_they_can() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let answer = browser.get(&format!("/auth/check?jwt=&next={FRONTEND}")).await.json();
    let way = |provider: &str, label: &str| {
        let next = "https%3A%2F%2Fapp.example.com%2Fwelcome";
        json!({"url": format!("{EXTERNAL_ADDRESS}/auth/login/{provider}?next={next}"), "label": label})
    };
    let providers = json!({
        "google": way("google", "Google"),
        "github": way("github", "GitHub"),
        "corporate": way("corporate", CORPORATE_LABEL),
    });
    assert_eq!(answer, json!({"authenticated": false, "providers": providers}));
}

/// A label is text: what would be HTML is shown as it was written.
#[tokio::test(flavor = "multi_thread")]
async fn g9_the_labels_of_providers_are_text_on_the_services_own_page() {
    let app = TestApp::new().await;
    let page = app.browser().get("/").await.body;
    for item in [
        "<li data-provider=\"google\">Google</li>",
        "<li data-provider=\"github\">GitHub</li>",
        "<li data-provider=\"corporate\">Corporate &#60;b&#62; &#38; &#34;Sons&#34;</li>",
    ] {
        assert!(page.contains(item), "{item} in {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_from_check_leads_through_the_provider_back_to_the_frontend() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let check = browser.get(&format!("/auth/check?next={FRONTEND}")).await.json();
    let mut consent = browser.get(check["providers"]["github"]["url"].as_str().unwrap()).await.location();
    consent.query_pairs_mut().append_pair("persona", "ada");
    let end = browser.follow(&browser.get(consent.as_str()).await).await;
    let token = end.location_parameter("jwt").unwrap();
    assert_eq!(end.location().as_str(), format!("{FRONTEND}?jwt={token}"));
    assert!(app.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_next_a_sign_in_ends_at_the_services_own_page() {
    let app = TestApp::new().await;
    for next in ["", "?next="] {
        let browser = app.browser();
        let check = browser.get(&format!("/auth/check{next}")).await.json();
        let address = check["providers"]["google"]["url"].as_str().unwrap();
        assert_eq!(address, format!("{EXTERNAL_ADDRESS}/auth/login/google"));
        let mut consent = browser.get(&format!("{address}{next}")).await.location();
        consent.query_pairs_mut().append_pair("persona", "ada");
        let callback = browser.get(consent.as_str()).await;
        let end = browser.follow(&callback).await;
        let token = end.location_parameter("jwt").unwrap();
        assert_eq!(end.location().as_str(), format!("{EXTERNAL_ADDRESS}/?jwt={token}"));
        let page = browser.follow(&end).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    }
}

/// Every way of sending a token that existing clients use.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_each_of_its_places() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let browser = app.browser();
    let check = || browser.request(Method::GET, "/auth/check");
    let by_query = browser.request(Method::GET, &format!("/auth/check?jwt={token}&next=https://evil.tld/"));
    for request in [check().bearer_auth(&token), check().header("Auth-Token", &token), by_query] {
        let answer = browser.send(request).await;
        assert_signed_in(&answer);
    }
    let update = browser.post("/auth/update", &[("jwt", &token), ("username", "ada")]).await;
    assert_eq!((update.status.as_u16(), update.json()), (200, json!({"success": true})));
    assert_eq!(app.profile(&token).await["username"], "ada");
    let logout = browser.post("/auth/logout", &[("jwt", &token)]).await;
    assert_eq!((logout.status.as_u16(), logout.json()), (200, json!({"success": true})));
    assert!(!app.is_signed_in(&token).await);
}

fn assert_signed_in(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["authenticated"], true);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

/// Two tabs that look at different tokens would see different people.
#[tokio::test(flavor = "multi_thread")]
async fn two_different_tokens_in_one_request_are_refused() {
    let app = TestApp::new().await;
    let (ada, linus) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
    let browser = app.browser();
    let request = browser.request(Method::GET, &format!("/auth/check?jwt={ada}")).bearer_auth(&linus);
    let answer = browser.send(request).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
    let request = browser.request(Method::GET, &format!("/auth/check?jwt={ada}")).bearer_auth(&ada);
    assert_signed_in(&browser.send(request).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_configured_is_not_found() {
    let app = TestApp::builder(TestDatabase::sqlite()).without_github().build().await;
    let browser = app.browser();
    let providers = browser.get("/auth/check").await.json()["providers"].clone();
    assert_eq!(providers.as_object().unwrap().keys().collect::<Vec<_>>(), ["corporate", "google"]);
    for name in ["github", "nobody", "..%2Fgoogle", "google%00", "GOOGLE"] {
        let answer = browser.get(&format!("/auth/login/{name}?next={FRONTEND}")).await;
        assert_eq!(answer.status, 404, "{name}: {}", answer.body);
        assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none());
    }
}

/// A flood of people who never come back from the provider must not fill the disk.
#[tokio::test(flavor = "multi_thread")]
async fn k7_a_sign_in_that_only_begins_writes_nothing() {
    let app = TestApp::new().await;
    app.sign_in("google", "ada").await;
    let before = app.written();
    for provider in PROVIDERS.repeat(10) {
        let browser = app.browser();
        browser.get(&format!("/auth/check?next={FRONTEND}")).await;
        app.reach_callback(&browser, provider, "linus", FRONTEND).await;
    }
    assert!(app.written() == before, "the database has changed");
    app.sign_in("google", "linus").await;
    assert!(app.written() != before, "this look at the file sees what is written");
}

/// What leaves for the provider: a code grant with our callback, and no secret.
#[tokio::test(flavor = "multi_thread")]
async fn the_redirect_to_a_provider_asks_for_a_code_and_nothing_more() {
    let app = TestApp::new().await;
    for (provider, client, scope, path) in [
        ("google", "google-client", "openid email profile", "/auth/oauth_callback"),
        ("corporate", "corp-client", "openid email profile", "/auth/callback/corporate"),
        ("github", "github-client", "read:user user:email", "/auth/oauth_callback"),
    ] {
        let consent = app.start_sign_in(&app.browser(), provider, FRONTEND).await.location();
        let callback = format!("{EXTERNAL_ADDRESS}{path}");
        let find = |name: &str| parameter(&consent, name);
        assert_eq!(find("response_type").as_deref(), Some("code"));
        assert_eq!(find("client_id").as_deref(), Some(client));
        assert_eq!(find("redirect_uri"), Some(callback));
        assert_eq!(find("scope").as_deref(), Some(scope));
        assert!(!consent.as_str().contains("secret"), "{consent}");
    }
}

/// What a frontend asks of the provider goes along, and what no provider would understand is refused with what was expected.
#[tokio::test(flavor = "multi_thread")]
async fn a_frontend_may_let_the_person_choose_an_account_and_say_who_probably_signs_in() {
    let app = TestApp::new().await;
    let login = |more: &str| format!("/auth/login/google?next={FRONTEND}&{more}");
    let browser = app.browser();
    let answer = browser.get(&login("prompt=select_account&login_hint=ada%40example.org")).await;
    let location = answer.location();
    assert_eq!(parameter(&location, "prompt").as_deref(), Some("select_account"));
    assert_eq!(parameter(&location, "login_hint").as_deref(), Some("ada@example.org"));
    let plain = browser.get(&login("prompt=&login_hint=")).await.location();
    assert!(parameter(&plain, "prompt").is_none() && parameter(&plain, "login_hint").is_none());
    for (wrong, expected) in [
        ("prompt=choose", "prompt: expected none, or some of login"),
        ("prompt=none%20login", "prompt: expected none"),
        ("login_hint=a%0D%0Ab", "login_hint: expected at most 320 characters"),
    ] {
        let answer = browser.get(&login(wrong)).await;
        let refusal = answer.json();
        assert_eq!((answer.status.as_u16(), refusal["error"].as_str()), (400, Some("invalid_request")));
        let description = refusal["error_description"].as_str().unwrap();
        assert!(description.starts_with(expected), "{description}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_on_the_way_to_a_provider_and_back() {
    let app = TestApp::new().await;
    let browser = app.browser();
    assert_answer!("provider_unknown", browser.get("/auth/login/nobody").await);
    assert_answer!("next_refused", browser.get("/auth/login/google?next=https://evil.tld/").await);
    let callback = app.reach_callback(&browser, "google", "ada", FRONTEND).await;
    assert_answer!("state_missing", browser.get("/auth/oauth_callback?code=x").await);
    let declined =
        browser.get("/auth/callback/corporate?error=access_denied&error_description=%3Cb%3Eno").await;
    assert_answer!("declined_without_state", declined);
    assert_answer!(
        "refused_without_state",
        browser.get("/auth/oauth_callback?error=invalid_scope&state=").await
    );
    assert_answer!("browser_unknown", app.browser().get(callback.as_str()).await);
    assert_answer!("signed_in", browser.get(callback.as_str()).await);
    assert_answer!("state_used", browser.get(callback.as_str()).await);
}
