//! The document and the service, side by side.

mod pairs;

use std::collections::BTreeMap;

use serde_json::json;
use vestibule_test_support::{Answer, Client, Method, Shutdown, TestCluster, TestDatabase};

use super::Document;
use crate::world::{APP, World};

async fn document(world: &World) -> Document {
    Document::parse(&world.browser().get("/openapi.json").await.body)
}

/// Pages and their files are for people and browsers; the document names them in its introduction.
const UNDOCUMENTED: [&str; 6] =
    ["/", "/docs", "/openapi.json", "/openapi.yaml", "/assets/app.js", "/favicon.ico"];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_path_is_there_by_its_methods_alone() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (document, browser) = (document(&world).await, world.browser());
    let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in document.operations() {
        methods.entry(operation.path.to_owned()).or_default().push(operation.method.to_owned());
    }
    for (path, there) in &methods {
        let path = path.replace("{provider}", "corporate");
        for method in ["get", "head", "post", "put", "patch", "delete", "options"] {
            let named = if method == "head" { "get" } else { method };
            let method_there = there.iter().any(|known| known == named);
            let request = browser.request(method.to_uppercase().parse::<Method>().unwrap(), &path);
            let status = browser.send(request).await.status;
            assert_ne!(status, 404, "{method} {path}");
            assert_eq!(status != 405, method_there, "{method} {path}: {status}");
        }
    }
    for path in UNDOCUMENTED {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
        assert!(document.operations().iter().all(|operation| operation.path != path), "{path}");
    }
    let introduction = document.root()["info"]["description"].as_str().unwrap();
    for path in ["`/`", "`/docs`", "`/assets/`", "`/openapi.json`", "`/openapi.yaml`"] {
        assert!(introduction.contains(path), "{path}");
    }
}

/// Asks for each operation in every way that has an answer of its own.
async fn every_answer(world: &World, browser: &Client) -> Vec<(&'static str, Answer)> {
    let token = world.sign_in("google", "ada").await;
    let post = async |address: &str, body: &str| {
        let request = browser.request(Method::POST, address);
        browser
            .send(request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned()))
            .await
    };
    let with = |address: &str| format!("{address}jwt={token}");
    let mut answers = vec![
        ("check_session", browser.get("/auth/check").await),
        ("check_session", browser.get(&with("/auth/check?")).await),
        ("check_session", browser.get("/auth/check?next=x").await),
        ("check_session", browser.get(&format!("/auth/check?jwt=a&{}", with(""))).await),
        ("authorize_service", browser.get("/auth/authorize?service=storage").await),
        ("authorize_service", browser.get(&with("/auth/authorize?service=storage&")).await),
        ("authorize_service", browser.get(&format!("/auth/authorize?jwt=a&{}", with(""))).await),
        ("update_user", post("/auth/update?username=ada", "").await),
        ("update_user", post(&with("/auth/update?"), "username=ada").await),
        ("update_user", post(&with("/auth/update?"), "username=ada").await),
        ("update_user", post("/auth/update?username=a", "username=b").await),
        ("update_user", post("/auth/update", &"x".repeat(70_000)).await),
        ("update_user", browser.send(browser.request(Method::POST, "/auth/update").body("{}")).await),
        ("resolve_username", browser.get("/auth/resolve?username=ada").await),
        ("resolve_username", browser.get("/auth/resolve").await),
        ("find_profile", browser.get("/auth/get_profile?username=ada").await),
        ("find_profile", browser.get("/auth/get_profile").await),
        ("read_session", browser.get("/auth/session").await),
        ("read_session", browser.get(&with("/auth/session?")).await),
        ("read_session", browser.get(&with("/auth/session?max_age=x&")).await),
        ("show_sign_in", browser.get("/sign-in").await),
        ("show_sign_in", browser.get("/sign-in?next=x").await),
        ("read_public_key", browser.get("/auth/public-key").await),
        ("read_jwks", browser.get("/.well-known/jwks.json").await),
        ("check_health", browser.get("/healthz").await),
        ("check_readiness", browser.get("/readyz").await),
        ("start_sign_in", browser.get(&format!("/auth/login/google?next={APP}")).await),
        ("start_sign_in", browser.get("/auth/login/google?next=x").await),
        ("start_sign_in", browser.get("/auth/login/nobody").await),
        ("finish_sign_in", browser.get("/auth/oauth_callback").await),
        ("finish_sign_in", world.finish_sign_in("google", "ada").await),
        ("finish_provider_sign_in", browser.get("/auth/callback/corporate").await),
        ("finish_provider_sign_in", browser.get("/auth/callback/nobody").await),
        ("finish_provider_sign_in", world.finish_sign_in("corporate", "ada").await),
        ("end_session", post("/auth/logout?jwt=a", "jwt=b").await),
        ("end_session", post("/auth/logout", &"x".repeat(70_000)).await),
        ("end_session", browser.send(browser.request(Method::POST, "/auth/logout").body("{}")).await),
    ];
    answers.push(("end_session", post(&with("/auth/logout?"), "").await));
    let form = browser.request(Method::POST, "/auth/logout").form(&[("session", "cookie")]);
    answers.push(("end_session", browser.send(form.header("sec-fetch-mode", "navigate")).await));
    answers
}

/// The same for what apps keep in sessions.
async fn every_answer_about_data(world: &World, browser: &Client) -> Vec<(&'static str, Answer)> {
    const TAG: Option<(&str, &str)> = Some(("if-match", "\"9\""));
    let token = world.sign_in("google", "ada").await;
    let send = async |method: &Method, condition: Option<(&str, &str)>, kind: &str, body: &str, jwt: &str| {
        let request = browser.request(method.clone(), &format!("/auth/session/data{jwt}"));
        let request = request.header("origin", "https://app.example.com").header("content-type", kind);
        let request =
            condition.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        browser.send(request.body(body.to_owned())).await
    };
    let (jwt, two, json) = (format!("?jwt={token}"), format!("?jwt={token}&jwt=b"), "application/json");
    let large = json!({"a": "x".repeat(9_000)}).to_string();
    let mut answers = Vec::new();
    for (id, method) in [("replace_session_data", Method::PUT), ("update_session_data", Method::PATCH)] {
        let any = Some(("if-match", "*"));
        answers.push((id, send(&method, any, json, "{}", &jwt).await));
        answers.push((id, send(&method, TAG, json, "{}", &jwt).await));
        answers.push((id, send(&method, any, json, "[]", &jwt).await));
        answers.push((id, send(&method, any, json, &large, &jwt).await));
        answers.push((id, send(&method, any, json, "{}", "").await));
        answers.push((id, send(&method, any, "text/plain", "{}", &jwt).await));
    }
    answers.push(("replace_session_data", send(&Method::PUT, None, json, "{}", &jwt).await));
    for (condition, jwt) in [(None, &jwt), (TAG, &jwt), (None, &two), (None, &String::new())] {
        answers.push(("clear_session_data", send(&Method::DELETE, condition, json, "", jwt).await));
    }
    answers
}

/// The same for the tokens of a person, who is signed in in this browser.
async fn every_answer_about_tokens(world: &World, browser: &Client) -> Vec<(&'static str, Answer)> {
    let json = "application/json";
    let send = async |method: &Method, path: &str, kind: &str, body: &str| {
        let request = browser.request(method.clone(), path).header("sec-fetch-site", "same-origin");
        browser.send(request.header("content-type", kind).body(body.to_owned())).await
    };
    let all = async |id: &str| {
        let (one, rotate) = (format!("/auth/tokens/{id}"), format!("/auth/tokens/{id}/rotate"));
        let mut answers = Vec::new();
        for (operation, method, path) in [
            ("create_token", Method::POST, "/auth/tokens"),
            ("update_token", Method::PATCH, one.as_str()),
            ("rotate_token", Method::POST, rotate.as_str()),
        ] {
            answers.push((operation, send(&method, path, json, r#"{"nothing":1}"#).await));
            answers.push((operation, send(&method, path, "text/plain", "{}").await));
            answers.push((operation, send(&method, path, json, &"x".repeat(70_000)).await));
            let body = if operation == "create_token" { r#"{"name":"a"}"# } else { "{}" };
            answers.push((operation, send(&method, path, json, body).await));
        }
        answers.push(("list_tokens", send(&Method::GET, "/auth/tokens", json, "").await));
        answers.push(("list_tokens", send(&Method::GET, "/auth/tokens?limit=0", json, "").await));
        answers.push(("list_tokens", send(&Method::GET, "/auth/tokens?user=%20", json, "").await));
        answers.push(("revoke_token", send(&Method::DELETE, &one, json, "").await));
        answers.push(("revoke_token", send(&Method::DELETE, &format!("{one}?jwt=a&jwt=b"), json, "").await));
        answers.push(("revoke_tokens", send(&Method::DELETE, "/auth/tokens?jwt=a&jwt=b", json, "").await));
        answers.push(("revoke_tokens", send(&Method::DELETE, "/auth/tokens?user=%20", json, "").await));
        answers.push(("revoke_tokens", send(&Method::DELETE, "/auth/tokens", json, "").await));
        answers
    };
    let mut answers = all("x").await;
    let callback = world.reach_callback(browser, "google", "ada", "/account").await;
    browser.get(callback.as_str()).await;
    answers.extend(all("x").await);
    let made = send(&Method::POST, "/auth/tokens", json, r#"{"name":"a"}"#).await.json();
    answers.extend(all(made["id"].as_str().unwrap()).await);
    let made = send(&Method::POST, "/auth/tokens", json, r#"{"name":"a"}"#).await.json();
    let one = format!("/auth/tokens/{}", made["id"].as_str().unwrap());
    answers.push(("revoke_token", send(&Method::DELETE, &one, json, "").await));
    answers
}

/// The same for role accounts, by an administrator.
async fn every_answer_about_role_accounts(world: &World, browser: &Client) -> Vec<(&'static str, Answer)> {
    let json = "application/json";
    let send = async |method: &Method, path: &str, kind: &str, body: &str| {
        let request = browser.request(method.clone(), path).header("sec-fetch-site", "same-origin");
        browser.send(request.header("content-type", kind).body(body.to_owned())).await
    };
    let all = async |account: &str, token: &str| {
        let one = format!("/auth/role_accounts/{account}");
        let (tokens, of_token) = (format!("{one}/tokens"), format!("{one}/tokens/{token}"));
        let rotate = format!("{of_token}/rotate");
        let mut answers = Vec::new();
        for (operation, method, path, body) in [
            ("create_role_account", Method::POST, "/auth/role_accounts", r#"{"username":"backup"}"#),
            ("update_role_account", Method::PATCH, one.as_str(), "{}"),
            ("create_role_token", Method::POST, tokens.as_str(), r#"{"name":"a"}"#),
            ("update_role_token", Method::PATCH, of_token.as_str(), "{}"),
            ("rotate_role_token", Method::POST, rotate.as_str(), "{}"),
        ] {
            answers.push((operation, send(&method, path, json, r#"{"nothing":1}"#).await));
            answers.push((operation, send(&method, path, "text/plain", "{}").await));
            answers.push((operation, send(&method, path, json, &"x".repeat(70_000)).await));
            answers.push((operation, send(&method, path, json, body).await));
        }
        for (operation, path) in
            [("list_role_accounts", "/auth/role_accounts"), ("list_role_tokens", &tokens)]
        {
            answers.push((operation, send(&Method::GET, path, json, "").await));
            answers.push((operation, send(&Method::GET, &format!("{path}?limit=0"), json, "").await));
        }
        let nobody = "/auth/role_accounts?user=%20";
        answers.push(("list_role_accounts", send(&Method::GET, nobody, json, "").await));
        answers.push(("create_role_account", send(&Method::POST, nobody, json, "{}").await));
        answers.push(("read_role_account", send(&Method::GET, &one, json, "").await));
        answers.push(("revoke_role_token", send(&Method::DELETE, &of_token, json, "").await));
        answers.push(("revoke_role_tokens", send(&Method::DELETE, &tokens, json, "").await));
        answers
    };
    let mut answers = all("x", "x").await;
    let callback = world.reach_callback(browser, "google", "linus", "/account").await;
    browser.get(callback.as_str()).await;
    let user = send(&Method::GET, "/auth/session", json, "").await.json()["uid"].as_str().unwrap().to_owned();
    let grant = ["roles", "grant", "--role", "Administrator", "--user", &user, "--service", "vestibule"];
    world.command(&grant).await;
    answers.extend(all("x", "x").await);
    let listed = send(&Method::GET, "/auth/role_accounts", json, "").await.json();
    let account = listed["role_accounts"][0]["id"].as_str().unwrap();
    let tokens = format!("/auth/role_accounts/{account}/tokens");
    let made = send(&Method::POST, &tokens, json, r#"{"name":"a"}"#).await.json();
    answers.extend(all(account, made["id"].as_str().unwrap()).await);
    let made = send(&Method::POST, &tokens, json, r#"{"name":"a"}"#).await.json();
    let one = format!("{tokens}/{}", made["id"].as_str().unwrap());
    answers.push(("revoke_role_token", send(&Method::DELETE, &one, json, "").await));
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let wiki = "[apps.wiki]\norigin = \"https://app.example.com\"";
    let world = World::builder(TestDatabase::sqlite()).config(wiki).start().await;
    let (document, browser) = (document(&world).await, world.browser());
    let mut seen = Vec::new();
    let mut answers = every_answer(&world, &browser).await;
    answers.extend(every_answer_about_data(&world, &browser).await);
    answers.extend(every_answer_about_tokens(&world, &world.browser()).await);
    answers.extend(pairs::every_answer(&world, &world.browser()).await);
    answers.extend(every_answer_about_role_accounts(&world, &world.browser()).await);
    let google_alone = World::builder(TestDatabase::sqlite()).without("GITHUB_KEY").without("GITHUB_SECRET");
    let mut alone = google_alone.start().await;
    alone.replace_corporate("").await;
    answers.push(("show_sign_in", alone.browser().get("/sign-in").await));
    let off = World::builder(TestDatabase::sqlite()).setting("SESSION_COOKIE", "off").start().await;
    answers.push(("show_sign_in", off.browser().get("/sign-in").await));
    for (id, answer) in answers {
        document.assert_true_of(id, &answer);
        seen.push((id.to_owned(), answer.status.as_u16().to_string()));
    }
    for operation in document.operations() {
        let id = operation.id();
        for status in operation
            .responses()
            .keys()
            .filter(|status| !["default", "403", "409", "429", "503"].contains(&status.as_str()))
        {
            assert!(
                seen.contains(&(id.to_owned(), status.clone())),
                "{id} {status} is stated and was not seen: let `every_answer` ask for it"
            );
        }
    }
}

/// What every operation may answer besides has the form that the document gives for it.
#[tokio::test(flavor = "multi_thread")]
async fn other_failures_are_as_the_document_says() {
    let world = World::on(TestDatabase::sqlite()).await;
    let (document, browser) = (document(&world).await, world.browser());
    for operation in document.operations() {
        let path = operation.path.replace("{provider}", "corporate");
        let other = browser.request(Method::OPTIONS, &path);
        let twice = browser
            .request(operation.method.to_uppercase().parse::<Method>().unwrap(), &format!("{path}?a=1&a=2"));
        for (request, status) in [(other, 405), (twice, 400)] {
            let answer = browser.send(request).await;
            assert_eq!(answer.status, status, "{path}");
            let content = operation.responses()["default"]["content"].as_object().unwrap();
            let media =
                content.get(answer.header("content-type").unwrap()).unwrap_or_else(|| panic!("{answer:?}"));
            if !answer.header("content-type").unwrap().starts_with("text/html") {
                let faults = document.faults(&media["schema"], &answer.json());
                assert!(faults.is_empty(), "{path}: {faults:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_service_answers_as_the_document_says() {
    let mut cluster = TestCluster::start();
    let world = World::on(cluster.create_database()).await;
    let document = document(&world).await;
    let (token, browser) = (world.sign_in("google", "ada").await, world.browser());
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    let named = world.reach_callback(&browser, "corporate", "ada", APP).await;
    cluster.stop(Shutdown::Immediate);
    for (id, answer) in [
        ("check_session", browser.get(&format!("/auth/check?jwt={token}")).await),
        ("authorize_service", browser.get(&format!("/auth/authorize?service=storage&jwt={token}")).await),
        ("update_user", browser.post_form("/auth/update", &[("jwt", &token), ("username", "ada")]).await),
        ("end_session", browser.post_form("/auth/logout", &[("jwt", &token)]).await),
        ("resolve_username", browser.get("/auth/resolve?username=ada").await),
        ("find_profile", browser.get("/auth/get_profile?username=ada").await),
        ("check_readiness", browser.get("/readyz").await),
        ("finish_sign_in", browser.get(callback.as_str()).await),
        ("finish_provider_sign_in", browser.get(named.as_str()).await),
    ] {
        assert_eq!(answer.status, 503, "{id}: {}", answer.body);
        document.assert_true_of(id, &answer);
    }
    for (id, address) in [("check_health", "/healthz"), ("read_jwks", "/.well-known/jwks.json")] {
        document.assert_true_of(id, &browser.get(address).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_as_the_document_says() {
    let settings = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "guarded:faulty-plugin")
        .setting("INSTALLED_EXTENSIONS", "")
        .config("[plugin.guarded]\nmay_deny = true\nconfig = { fault = \"deny\" }");
    let world = settings.start().await;
    let document = document(&world).await;
    let token = world.sign_in("google", "ada").await;
    let answer = world.get_as(&token, "/auth/authorize?service=guarded").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (403, &json!("access_denied")));
    document.assert_true_of("authorize_service", &answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_answered_as_the_document_says() {
    let settings = World::builder(TestDatabase::sqlite()).setting("TRUSTED_PROXIES", "127.0.0.1");
    let settings =
        ["SIGN_IN", "UPDATE", "AUTHORIZE", "LOOKUP"].iter().fold(settings, |settings, operation| {
            settings.setting(&format!("RATE_LIMIT_{operation}_PER_ADDRESS"), "1/20h")
        });
    let world = settings.start().await;
    let (document, browser) = (document(&world).await, world.browser());
    // What an app keeps is counted by session and what is done with tokens by account, after everything else was looked at.
    let is_counted_later =
        |id: &str| ["_session_data", "token", "grant", "role_account"].iter().any(|part| id.contains(part));
    let limited = document
        .operations()
        .into_iter()
        .filter(|operation| operation.responses().contains_key("429") && !is_counted_later(operation.id()));
    for (number, operation) in limited.enumerate() {
        let ask = async || {
            let method = operation.method.to_uppercase().parse::<Method>().unwrap();
            let request = browser.request(method, &operation.path.replace("{provider}", "corporate"));
            browser.send(request.header("x-forwarded-for", format!("203.0.113.{number}"))).await
        };
        assert_ne!(ask().await.status, 429, "{}", operation.path);
        let answer = ask().await;
        assert_eq!(answer.status, 429, "{}: {}", operation.path, answer.body);
        document.assert_true_of(operation.id(), &answer);
    }
}
