//! Bearer tokens that the service has not made: who is asked about them, and what they are good for.

mod attacks;

use serde_json::{Value, json};
use vestibule_test_support::{Answer, TestDatabase};

use crate::authorize::plugins::PluginFolder;
use crate::documents::markdown::Document;
use crate::world::{World, WorldBuilder};

/// What every variant of the plugin is compiled with here.
const HANDLER: [&str; 4] = ["TOKENS", "NO_PERMISSIONS", "NO_HOOKS", "MINOR=2"];

/// A service with one token handler, `keys`, that is compiled with these options.
fn with_handler(folder: &PluginFolder, defines: &[&str]) -> WorldBuilder {
    folder.add_variant("keys", &[&HANDLER[..], defines].concat());
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", &folder.path())
        .setting("TOKEN_HANDLERS", "keys")
}

/// The option with which the plugin answers this.
fn replies(answer: &Value) -> String {
    format!("REPLY={:?}", answer.to_string())
}

async fn handled(answer: &Value) -> (PluginFolder, World) {
    let folder = PluginFolder::new();
    let world = with_handler(&folder, &[&replies(answer)]).start().await;
    (folder, world)
}

async fn permissions(world: &World, token: &str, service: &str) -> Answer {
    world.get_as(token, &format!("/auth/authorize?service={service}")).await
}

async fn session(world: &World, token: &str) -> Answer {
    world.get_as(token, "/auth/session").await
}

/// The module that the guide shows, which is the handler that asfquart's documentation shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_asfquart_lets_its_role_account_in() {
    let guide = Document::read("docs/plugins/python.md");
    let shown = |language: &str| {
        let fences = guide.fences().into_iter().filter(|fence| fence.language == language);
        fences.map(|fence| fence.code).find(|code| code.contains("token")).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    std::fs::write(folder.path().join("acme/tokens.py"), shown("python")).unwrap();
    let settings = shown("toml").replace("/srv", folder.path().to_str().unwrap());
    let world = World::builder(TestDatabase::sqlite()).config(&settings).start().await;

    let profile = world.profile("abcdefg").await;
    let id = "pat:roleaccountthing";
    let expected = json!({
        "id": id, "idhash": id, "name": null, "email": null, "avatar_url": null, "roleaccount": true,
    });
    assert_eq!(profile, expected);
    let answer = session(&world, "abcdefg").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!((&answer["uid"], &answer["roleaccount"]), (&json!(id), &json!(true)));
    assert_eq!(answer["scopes"], json!(["profile", "scopeA", "scopeB"]));
    assert_eq!(answer["metadata"], json!({"committees": ["httpd", "tomcat"], "scope": ["scopeA", "scopeB"]}));
    assert_eq!(answer["session"], Value::Null);
    assert!(!world.is_signed_in("abcdefgh").await);
    for (narrowed, error) in [("max_age=900", "session_not_fresh"), ("expiry_time=86400", "session_idle")] {
        let answer = world.get_as("abcdefg", &format!("/auth/session?{narrowed}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (401, &json!(error)),
            "it has no session"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_lends_is_what_its_token_is_good_for() {
    for (scopes, lent) in [
        (json!(["permissions"]), json!({"provider-token": "storage-keys:builds", "read": true})),
        (json!(["read"]), json!({"read": true})),
        (json!(["write", "provider-token"]), json!({})),
        (json!([]), json!({})),
    ] {
        let folder = PluginFolder::new();
        let answer = json!({"uid": "builds", "services": ["storage", "no-such"], "scopes": scopes});
        let world = with_handler(&folder, &[&replies(&answer)])
            .config("[plugin.storage]\nconfig = { permission = \"read\", granted = true }\n")
            .start()
            .await;
        let answer = permissions(&world, "abc", "storage").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        assert_eq!(answer["permissions"], lent, "{scopes}");
        assert_eq!(answer["userid"], "keys:builds");
        assert!(answer["token"].is_string());
        let nothing = json!({"permissions": {}});
        for elsewhere in ["reports", "no-such"] {
            assert_eq!(permissions(&world, "abc", elsewhere).await.json(), nothing, "{elsewhere}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_may_name_an_app_as_well_as_a_service() {
    let folder = PluginFolder::new();
    let answer = json!({"uid": "builds", "services": ["wiki", "storage", "no-such"], "scopes": ["profile"]});
    let apps = "[apps.wiki]\norigin = \"https://wiki.example.com\"\n";
    let world = with_handler(&folder, &[&replies(&answer)]).config(apps).start().await;
    assert_eq!(session(&world, "abc").await.json()["services"], json!(["storage", "wiki"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_names_no_services_counts_where_it_is_presented() {
    let (_folder, world) = handled(&json!({"uid": "builds", "scopes": ["permissions"]})).await;
    for service in ["storage", "reports"] {
        let answer = permissions(&world, "abc", service).await.json();
        assert_eq!(answer["permissions"], json!({"provider-token": format!("{service}-keys:builds")}));
    }
    assert_eq!(session(&world, "abc").await.json()["services"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_account_of_a_handler_may_nothing_that_a_person_may() {
    let (_folder, world) =
        handled(&json!({"uid": "builds", "services": ["*"], "scopes": ["permissions", "email"], "email": "b@example.org"}))
            .await;
    assert_eq!(world.profile("abc").await["email"], "b@example.org");
    let answer = world.post_as("abc", "/auth/update", &[("username", "builds")]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (200, &json!(false)), "{}", answer.body);
    let answer = world.post_as("abc", "/auth/logout", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
    assert!(world.is_signed_in("abc").await, "it has no session to end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_is_told_what_the_token_was_presented_for() {
    let folder = PluginFolder::new();
    let world = with_handler(&folder, &["ECHO"]).start().await;
    let told = |answer: Value| answer["metadata"].clone();
    let metadata = told(session(&world, "abc").await.json());
    let expected = json!({"purpose": "api", "method": "GET", "path": "/auth/session", "ip": "127.0.0.1"});
    assert_eq!(metadata, json!({"token": "abc", "context": expected, "scope": ["profile"]}));
}
