//! Which services there are.

use serde_json::json;
use url::form_urlencoded;
use vestibule_test_support::TestDatabase;
use vestibule_test_support::forge::parts_of;

use super::{authorize, granted};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_service_that_is_not_configured_gets_no_token_whatever_it_is_called() {
    let world = World::on(TestDatabase::sqlite()).await;
    let token = world.sign_in("google", "ada").await;
    let ten_kilobytes = "s".repeat(10 * 1024);
    for name in [
        "unknown",
        "",
        " ",
        "*",
        "storage*",
        "storage,reports",
        "storage;reports",
        "storage storage",
        " storage",
        "storage ",
        "STORAGE",
        "Storage",
        "storage\0",
        "storage\0x",
        "\0",
        "storage\n",
        "sample-permissions",
        "sample_permissions",
        "storage:sample-permissions",
        "../storage",
        "../../libsample_permissions.so",
        "/etc/passwd",
        "./storage",
        "libsample_permissions.so",
        "storage.so",
        "storage/",
        "storage%00",
        "%73torage",
        "st\u{043e}rage",
        "\u{ff53}torage",
        "storage\u{200b}",
        "\u{202e}egarots",
        "sto\u{0301}rage",
        "\u{1f4a9}",
        "' OR 1=1--",
        "<script>",
        "null",
        "true",
        "[]",
        ten_kilobytes.as_str(),
    ] {
        let escaped: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let answer = authorize(&world, &token, &escaped).await;
        let shown: String = name.chars().take(40).collect();
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"permissions": {}})), "{shown:?}");
    }
    let absent = world.get_as(&token, "/auth/authorize").await;
    assert_eq!(absent.json(), json!({"permissions": {}}), "no service at all");
    let bytes = authorize(&world, &token, "%ff%fe").await;
    assert_eq!(bytes.json(), json!({"permissions": {}}), "bytes that are no text");
    let twice = world.get_as(&token, "/auth/authorize?service=storage&service=reports").await;
    assert_eq!((twice.status.as_u16(), &twice.json()["error"]), (400, &json!("invalid_request")));
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_the_token_is_for_the_alias_and_not_for_the_plugin_behind_it() {
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "files.v2:sample-permissions;sample-permissions")
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    for service in ["files.v2", "sample-permissions"] {
        let answer = granted(&world, &token, service).await;
        assert_eq!(parts_of(answer["token"].as_str().unwrap()).1["service"], service);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_of_one_library_have_their_own_configurations() {
    let config = "[plugin.storage]\nconfig = { permission = \"admin\", granted = true }\n\
                  [plugin.reports]\nconfig = { permission = \"admin\", granted = false }\n";
    let world = World::builder(TestDatabase::sqlite()).config(config).start().await;
    let token = world.sign_in("google", "ada").await;
    for (service, admin) in [("storage", true), ("reports", false), ("storage", true)] {
        assert_eq!(granted(&world, &token, service).await["permissions"]["admin"], admin, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_service_nobody_gets_a_token() {
    let world = World::builder(TestDatabase::sqlite()).without("ALLOWED_SERVICES").start().await;
    let token = world.sign_in("google", "ada").await;
    assert_eq!(authorize(&world, &token, "storage").await.json(), json!({"permissions": {}}));
    assert!(world.program.logs().contains("no permission token can be made"), "{}", world.program.logs());
}
