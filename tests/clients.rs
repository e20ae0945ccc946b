//! Programs and libraries of others, as clients: what they send is understood, and what they are told they understand.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::TestDatabase;

use crate::signed_in::SignedIn;
use crate::verifiers::interpreters::{packages, python, run_well};
use crate::world::World;

/// Runs one of the programs beside this file, with the libraries that it is written for; what it prints.
fn run(program: &str, arguments: &[&str]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let mut command = python();
    command.env("PYTHONPATH", packages("clients", &folder.join("requirements.txt")));
    command.env("NO_PROXY", "*").env("PYTHONWARNINGS", "ignore");
    command.arg(folder.join(program)).args(arguments);
    run_well(command).parse().unwrap()
}

/// A person with a token that lends who she is and all she may do at `storage`, and one that is over.
struct Stage {
    world: World,
    id: String,
    token: String,
    over: String,
}

impl Stage {
    async fn set() -> Self {
        let world = World::on(TestDatabase::sqlite()).await;
        let browser = SignedIn::by(&world, "google", "ada").await;
        let asked = json!({"name": "a", "services": ["storage"], "scopes": ["profile", "permissions"]});
        let made = [
            browser.make_token("/auth/tokens", &asked).await,
            browser.make_token("/auth/tokens", &asked).await,
        ];
        let over = format!("/auth/tokens/{}", made[1]["id"].as_str().unwrap());
        assert_eq!(browser.ask(Method::DELETE, &over, None).await.status, 204);
        let [token, over] = made.map(|made| made["token"].as_str().unwrap().to_owned());
        let id = world.get_as(&token, "/auth/session").await.json()["uid"].as_str().unwrap().to_owned();
        Self { world, id, token, over }
    }

    fn base_url(&self) -> String {
        self.world.program.base_url()
    }

    async fn role_token(&self) -> String {
        self.world.command(&["role-accounts", "create", "backup"]).await;
        let make = ["role-accounts", "token", "create", "backup", "--name", "n", "--scope", "profile"];
        self.world.command(&make).await
    }

    /// What it says of a profile and of permissions to whoever lends them.
    fn assert_lends(&self, check: &Value, authorize: &Value) {
        assert_eq!(check["profile"]["id"], self.id.as_str(), "{check}");
        let expected = json!({"provider-token": format!("storage-{}", self.id)});
        assert_eq!((&authorize["permissions"], &authorize["userid"]), (&expected, &json!(self.id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_flask_login_knows_people_and_role_accounts_by_their_bearers() {
    let stage = Stage::set().await;
    let user_token = stage.world.sign_in("google", "ada").await;
    let role_token = stage.role_token().await;
    let said =
        run("flask_login_app.py", &[&stage.base_url(), &stage.token, &user_token, &role_token, &stage.over]);
    let role = stage.world.get_as(&role_token, "/auth/session").await.json()["uid"].clone();
    let person = json!([200, {"id": stage.id, "roleaccount": false}]);
    let nobody = json!([401, null]);
    assert_eq!(said, json!([nobody, person, person, [200, {"id": role, "roleaccount": true}], nobody]));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_of_the_kinds_that_flask_stateless_auth_has() {
    let stage = Stage::set().await;
    let bearer = |token: &str| format!("Bearer {token}");
    let headers = [
        String::new(),
        "Basic eDp5".to_owned(),
        bearer(&stage.over),
        bearer("rubbish"),
        bearer(&stage.token),
    ];
    let base_url = stage.base_url();
    let arguments: Vec<&str> =
        std::iter::once(base_url.as_str()).chain(headers.iter().map(String::as_str)).collect();
    let theirs = run("stateless_app.py", &arguments);
    let browser = stage.world.browser();
    for (header, theirs) in headers.iter().zip(theirs.as_array().unwrap()) {
        let request = browser.request(Method::GET, "/auth/session");
        let request = if header.is_empty() { request } else { request.header("authorization", header) };
        let answer = browser.send(request).await;
        let (ours, told) = (answer.json(), &theirs[1]);
        if answer.status == 200 {
            assert_eq!((&theirs[0], &told["id"]), (&json!(200), &ours["uid"]), "{header:?}");
            continue;
        }
        // The three members that its clients read, of the same types.
        assert!(ours["msg"].is_string() && told["msg"].is_string() && ours["code"].is_u64());
        assert_eq!(ours["type"], told["type"].as_str().unwrap().to_lowercase(), "{header:?}: {ours}");
        // Who shows nothing has to sign in; that library calls it a bad request.
        let code = if told["code"] == 400 { json!(401) } else { told["code"].clone() };
        assert_eq!((&ours["code"], ours["code"].as_u64()), (&code, Some(answer.status.as_u16().into())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_lends_too_little_is_refused_with_the_kind_for_scopes() {
    let stage = Stage::set().await;
    let browser = SignedIn::by(&stage.world, "google", "ada").await;
    let nameless = browser.make_token("/auth/tokens", &json!({"name": "a", "scopes": ["read"]})).await;
    let refused = stage.world.get_as(nameless["token"].as_str().unwrap(), "/auth/session").await.json();
    let kind = (&refused["type"], &refused["code"], &refused["error"]);
    assert_eq!(kind, (&json!("scope"), &json!(403), &json!("insufficient_scope")));
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_sends_a_token_as_a_bearer_or_as_a_password() {
    let stage = Stage::set().await;
    let curl = |credential: &[&str], path: &str| -> Value {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*"]).args(credential);
        command.arg(format!("{}{path}", stage.base_url()));
        run_well(command).parse().unwrap()
    };
    let basic = format!("x:{}", stage.token);
    for credential in [["-u", basic.as_str()], ["--oauth2-bearer", stage.token.as_str()]] {
        let check = curl(&credential, "/auth/check");
        stage.assert_lends(&check, &curl(&credential, "/auth/authorize?service=storage"));
    }
    let over = format!("x:{}", stage.over);
    for credential in [["-u", over.as_str()], ["--oauth2-bearer", stage.over.as_str()]] {
        assert_eq!(curl(&credential, "/auth/check")["authenticated"], false);
        assert_eq!(curl(&credential, "/auth/authorize?service=storage"), json!({"permissions": {}}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sends_a_token_as_a_bearer_or_as_a_password() {
    let stage = Stage::set().await;
    let said = run("requests_client.py", &[&stage.base_url(), &stage.token]);
    let [check, authorize, check_basic, authorize_basic] = said.as_array().unwrap().as_slice() else {
        panic!("four answers: {said}")
    };
    stage.assert_lends(check, authorize);
    stage.assert_lends(check_basic, authorize_basic);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_flask_stateless_auth_refreshes_by_the_service() {
    let stage = Stage::set().await;
    let browser = SignedIn::by(&stage.world, "google", "ada").await;
    let pair = browser.make_pair(&[]).await;
    let text = |member: &str| pair[member].as_str().unwrap().to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    let said = run("stateless_refresh.py", &[&stage.base_url(), &access, &refresh]);
    let ada = json!([200, {"id": stage.id}]);
    assert_eq!((&said["access"], &said["next"]), (&ada, &ada), "{said}");
    assert_eq!(said["refresh"][1]["expiry"], 3600);
    assert_ne!(said["refresh"][1]["refresh_token"], refresh.as_str());
    for token in ["access_token", "refresh_token"] {
        assert_eq!(said["again"][1][token], said["refresh"][1][token], "what was lost is given again");
    }
    for swapped in said["swapped"].as_array().unwrap() {
        assert_eq!((&swapped[0], &swapped[1]["type"]), (&json!(401), &json!("Token")), "{said}");
    }
}
