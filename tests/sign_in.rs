//! A person signs in: through each provider, as each persona of the emulator.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;
use vestibule_test_support::{Answer, TestDatabase};

use crate::world::{APP, World, on_both_databases};

pub(crate) const PROVIDERS: [&str; 3] = ["google", "github", "corporate"];

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
        let world = World::on(database).await;
        let mut ids = Vec::new();
        for (provider, avatar, identity) in [
            ("google", "https://pictures.example.com/108204268033304201017.jpg", "google:108204268033304201017"),
            ("github", "https://avatars.example.com/u/4201017?v=4", "github:4201017"),
            ("corporate", "https://intranet.example.com/faces/employee-4201017.jpg", "corporate:employee-4201017"),
        ] {
            let profile = world.profile(&world.sign_in(provider, "ada").await).await;
            let email = Some("ada.moreau@example.com");
            assert_profile(&profile, Some("Ada Moreau"), email, Some(avatar), identity);
            ids.push(profile["id"].clone());
        }
        assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    }

    /// Without a verified address there is none in the profile, and nothing that would make one user of three.
    async fn a_person_with_an_unverified_address_signs_in_without_one(database) {
        let world = World::on(database).await;
        let mut ids = Vec::new();
        for (provider, avatar, identity) in [
            ("google", "https://pictures.example.com/108204268033305318842.jpg", "google:108204268033305318842"),
            ("github", "https://avatars.example.com/u/5318842?v=4", "github:5318842"),
            ("corporate", "https://intranet.example.com/faces/employee-5318842.jpg", "corporate:employee-5318842"),
        ] {
            let profile = world.profile(&world.sign_in(provider, "grace").await).await;
            assert_profile(&profile, Some("Grace Lindqvist"), None, Some(avatar), identity);
            ids.push(profile["id"].clone());
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    }

    /// GitHub gives addresses in pages; the one that counts is on the second.
    async fn a_verified_address_on_the_second_page_is_found(database) {
        let world = World::on(database).await;
        let profile = world.profile(&world.sign_in("github", "linus").await).await;
        let avatar = Some("https://avatars.example.com/u/1024768?v=4");
        let email = Some("linus.aaltonen@example.org");
        assert_profile(&profile, Some("Linus Aaltonen"), email, avatar, "github:1024768");
        for other in ["google", "corporate"] {
            let same = world.profile(&world.sign_in(other, "linus").await).await;
            assert_eq!((&same["id"], &same["email"]), (&profile["id"], &profile["email"]));
        }
    }

    /// The issuers say nothing of a name; at GitHub, whoever has none goes by the login.
    async fn a_person_without_a_name_signs_in(database) {
        let world = World::on(database).await;
        let email = Some("k7xq2@example.com");
        for (provider, identity) in
            [("google", "google:108204268033307770001"), ("corporate", "corporate:employee-7770001")]
        {
            let profile = world.profile(&world.sign_in(provider, "no-name").await).await;
            assert_profile(&profile, None, email, None, identity);
        }
        let profile = world.profile(&world.sign_in("github", "no-name").await).await;
        let avatar = Some("https://avatars.example.com/u/7770001?v=4");
        assert_profile(&profile, Some("k7xq2"), email, avatar, "github:7770001");
    }

    /// Whoever is renamed stays who they are, and is shown under the new name from the next sign-in on.
    async fn a_renamed_person_stays_the_same_user(database) {
        let world = World::on(database).await;
        for provider in PROVIDERS {
            let first = world.profile(&world.sign_in(provider, "renamed").await).await;
            let token = world.sign_in(provider, "renamed").await;
            let second = world.profile(&token).await;
            assert_eq!(first["name"], "Robin Oduya");
            assert_eq!(second["name"], "Robin Hale 1");
            assert_eq!(first["id"], second["id"]);
            assert_eq!(first["join_date"], second["join_date"]);
        }
    }

    async fn a_slow_provider_is_waited_for(database) {
        let world = World::on(database).await;
        world.control().set_slow_delay(Duration::from_millis(500));
        for provider in PROVIDERS {
            let profile = world.profile(&world.sign_in(provider, "slow").await).await;
            assert_eq!(profile["email"], "sam.brandt@example.com", "{provider}");
        }
    }

    /// The frontend hears that the person said no; nobody is signed in and no user comes into being.
    async fn a_person_who_refuses_comes_back_without_a_token(database) {
        let world = World::on(database).await;
        for provider in PROVIDERS {
            assert_eq!(world.fail_to_sign_in(provider, "refuses").await, "access_denied", "{provider}");
        }
        let users = world.program.run(&["users", "list"]).await;
        assert!(users.status.success());
        assert_eq!(String::from_utf8_lossy(&users.stdout), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_learns_where_they_can() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let answer = browser.get(&format!("/auth/check?jwt=&next={APP}")).await.json();
    let base = world.program.base_url();
    let link = |provider: &str| json!({"url": format!("{base}/auth/login/{provider}?next=https%3A%2F%2Fapp.example.com%2Fwelcome")});
    let providers =
        json!({"google": link("google"), "github": link("github"), "corporate": link("corporate")});
    assert_eq!(answer, json!({"authenticated": false, "providers": providers}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_from_check_leads_through_the_provider_back_to_the_frontend() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    let check = browser.get(&format!("/auth/check?next={APP}")).await.json();
    let mut consent = browser.get(check["providers"]["github"]["url"].as_str().unwrap()).await.location();
    consent.query_pairs_mut().append_pair("persona", "ada");
    let end = browser.follow_while(browser.get(consent.as_str()).await, |url| url.domain().is_none()).await;
    let token = end.location_parameter("jwt").unwrap();
    assert_eq!(end.location().as_str(), format!("{APP}?jwt={token}"));
    assert!(world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_next_a_sign_in_ends_at_the_services_own_page() {
    let world = World::on(TestDatabase::sqlite()).await;
    let base = world.program.base_url();
    for next in ["", "?next="] {
        let browser = world.browser();
        let check = browser.get(&format!("/auth/check{next}")).await.json();
        let address = check["providers"]["google"]["url"].as_str().unwrap();
        assert_eq!(address, format!("{base}/auth/login/google"));
        let mut consent = browser.get(&format!("{address}{next}")).await.location();
        consent.query_pairs_mut().append_pair("persona", "ada");
        let callback = browser.get(consent.as_str()).await;
        let end = browser.follow(&callback).await;
        let token = end.location_parameter("jwt").unwrap();
        assert_eq!(end.location().as_str(), format!("{base}/?jwt={token}"));
        let page = browser.follow(&end).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    }
}

/// Every way of sending a token that existing clients use.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_each_of_its_places() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let browser = world.browser();
    let check = || browser.request(Method::GET, "/auth/check");
    let by_query = browser.request(Method::GET, &format!("/auth/check?jwt={token}&next=https://evil.tld/"));
    for request in [check().bearer_auth(&token), check().header("Auth-Token", &token), by_query] {
        let answer = browser.send(request).await;
        assert_signed_in(&answer);
    }
    let update = browser.post_form("/auth/update", &[("jwt", &token), ("username", "ada")]).await;
    assert_eq!((update.status.as_u16(), update.json()), (200, json!({"success": true})));
    assert_eq!(world.profile(&token).await["username"], "ada");
    let logout = browser.post_form("/auth/logout", &[("jwt", &token)]).await;
    assert_eq!((logout.status.as_u16(), logout.json()), (200, json!({"success": true})));
    assert!(!world.is_signed_in(&token).await);
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
    let world = World::on(TestDatabase::sqlite()).await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    let browser = world.browser();
    let request = browser.request(Method::GET, &format!("/auth/check?jwt={ada}")).bearer_auth(&linus);
    let answer = browser.send(request).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
    let request = browser.request(Method::GET, &format!("/auth/check?jwt={ada}")).bearer_auth(&ada);
    assert_signed_in(&browser.send(request).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_configured_is_not_found() {
    let world = World::builder(TestDatabase::sqlite()).without("GITHUB_KEY").without("GITHUB_SECRET");
    let world = world.start().await;
    let browser = world.browser();
    let providers = browser.get("/auth/check").await.json()["providers"].clone();
    assert_eq!(providers.as_object().unwrap().keys().collect::<Vec<_>>(), ["corporate", "google"]);
    for name in ["github", "nobody", "..%2Fgoogle", "google%00", "GOOGLE"] {
        let answer = browser.get(&format!("/auth/login/{name}?next={APP}")).await;
        assert_eq!(answer.status, 404, "{name}: {}", answer.body);
        assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none());
    }
}

/// A flood of people who never come back from the provider must not fill the disk.
#[tokio::test(flavor = "multi_thread")]
async fn k7_a_sign_in_that_only_begins_writes_nothing() {
    let world = World::on(TestDatabase::sqlite()).await;
    world.sign_in("google", "ada").await;
    let before = world.written();
    for provider in PROVIDERS.repeat(10) {
        let browser = world.browser();
        browser.get(&format!("/auth/check?next={APP}")).await;
        world.reach_callback(&browser, provider, "linus", APP).await;
    }
    assert!(world.written() == before, "the database has changed");
    world.sign_in("google", "linus").await;
    assert!(world.written() != before, "this look at the file sees what is written");
}

/// What leaves for the provider: a code grant with our callback, and no secret.
#[tokio::test(flavor = "multi_thread")]
async fn the_redirect_to_a_provider_asks_for_a_code_and_nothing_more() {
    let world = World::on(TestDatabase::sqlite()).await;
    for (provider, client, scope, path) in [
        ("google", "google-client", "openid email profile", "/auth/oauth_callback"),
        ("corporate", "corp-client", "openid email profile", "/auth/callback/corporate"),
        ("github", "github-client", "read:user user:email", "/auth/oauth_callback"),
    ] {
        let consent = world.start_sign_in(&world.browser(), provider, APP).await.location();
        let callback = format!("{}{path}", world.program.base_url());
        let find = |name: &str| parameter(&consent, name);
        assert_eq!(find("response_type").as_deref(), Some("code"));
        assert_eq!(find("client_id").as_deref(), Some(client));
        assert_eq!(find("redirect_uri"), Some(callback));
        assert_eq!(find("scope").as_deref(), Some(scope));
        assert!(!consent.as_str().contains("secret"), "{consent}");
    }
}

/// A parameter of an address.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
