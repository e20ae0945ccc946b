//! The document by itself: the rules of OpenAPI 3.0, and what a reader may expect.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};
use vestibule_test_support::TestDatabase;

use super::Document;
use crate::world::World;

/// Document, and the text that `vestibule openapi` prints.
async fn read() -> (Document, String) {
    let world = World::on(TestDatabase::sqlite()).await;
    let document = Document::parse(&world.browser().get("/openapi.json").await.body);
    let printed = world.program.run(&["openapi"]).await;
    assert!(printed.status.success());
    (document, String::from_utf8(printed.stdout).unwrap())
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default().trim()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_the_same_in_the_repository_from_the_command_and_over_http() {
    let world = World::on(TestDatabase::sqlite()).await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
    let kept = std::fs::read_to_string(kept).unwrap();
    let printed = world.program.run(&["openapi"]).await;
    assert_eq!(String::from_utf8_lossy(&printed.stdout), kept, "run `make openapi`");
    let served = world.browser().get("/openapi.yaml").await;
    assert_eq!(served.header("content-type"), Some("application/yaml; charset=utf-8"));
    assert_eq!(served.body.trim_end(), kept.trim_end());
}

/// Printing the document needs neither settings nor keys.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_document_with_nothing_set_up() {
    let builder =
        vestibule_test_support::Program::builder().without("EXTERNAL_ADDRESS").without("DATABASE_URL");
    let printed = builder.run(&["openapi"]).await;
    assert!(printed.status.success());
    assert!(printed.stdout.starts_with(b"openapi: 3.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_the_members_of_openapi_3_0_and_no_others() {
    let (document, printed) = read().await;
    let root = document.root();
    assert!(text(root, "openapi").starts_with("3.0."));
    assert_members(root, &["openapi", "info", "servers", "tags", "paths", "components"]);
    assert_members(&root["info"], &["title", "description", "version"]);
    assert_members(&root["components"], &["schemas", "securitySchemes"]);
    assert!(text(&root["info"], "description").contains("user token"));
    assert_eq!(text(&root["info"], "version"), env!("CARGO_PKG_VERSION"));
    assert!(!printed.contains(env!("CARGO_MANIFEST_DIR")) && !printed.contains("localhost"), "{printed}");
    for operation in document.operations() {
        let members =
            ["tags", "summary", "description", "parameters", "requestBody", "responses", "operationId"];
        assert_members(operation.value, &[&members[..], &["security"]].concat());
        for response in operation.responses().values() {
            assert_members(response, &["description", "content", "headers"]);
        }
    }
}

fn assert_members(value: &Value, known: &[&str]) {
    let members = value.as_object().unwrap().keys();
    let unknown: Vec<_> = members.filter(|member| !known.contains(&member.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_says_what_it_is_about() {
    let (document, _) = read().await;
    let tags = document.root()["tags"].as_array().unwrap();
    assert!(tags.iter().all(|tag| !text(tag, "description").is_empty()), "{tags:?}");
    let known: BTreeSet<_> = tags.iter().map(|tag| text(tag, "name")).collect();
    let mut ids = BTreeSet::new();
    for operation in document.operations() {
        let id = operation.id();
        let (verb, resource) = id.split_once('_').unwrap_or_else(|| panic!("{id} is not verb_resource"));
        assert!(!verb.is_empty() && !resource.is_empty() && ids.insert(id.to_owned()), "{id}");
        let (summary, description) = (text(operation.value, "summary"), text(operation.value, "description"));
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{id}: {summary:?}");
        assert!(description.ends_with('.') && description.len() > summary.len(), "{id}: {description:?}");
        let own: Vec<_> =
            operation.value["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(own.len() == 1 && known.contains(own[0]), "{id}: {own:?}");
    }
    assert_eq!(ids.len(), 41, "a new operation is counted here: {ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_is_described_and_every_path_parameter_is_stated() {
    let (document, _) = read().await;
    for operation in document.operations() {
        let parameters = operation.value.get("parameters").and_then(Value::as_array);
        let parameters: Vec<_> = parameters.into_iter().flatten().collect();
        for parameter in &parameters {
            assert!(text(parameter, "description").ends_with('.'), "{}: {parameter}", operation.id());
            assert_eq!(parameter["required"] == true, parameter["in"] == "path", "{parameter}");
            assert!(parameter["schema"].is_object(), "{parameter}");
        }
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let named: Vec<_> = in_path.map(|parameter| format!("{{{}}}", text(parameter, "name"))).collect();
        assert_eq!(operation.path.matches('{').count(), named.len(), "{}", operation.path);
        assert!(named.iter().all(|name| operation.path.contains(name)), "{}: {named:?}", operation.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_is_described_and_shown_by_an_example() {
    let (document, _) = read().await;
    for operation in document.operations() {
        let responses = operation.responses();
        assert!(responses.contains_key("default"), "{}: whatever else fails is stated", operation.id());
        let good =
            responses.keys().filter(|status| ["200", "201", "204", "303"].contains(&status.as_str())).count();
        // The page for people leads on at once where there is nothing to choose, and by its button they sign out.
        let is_of_page = ["show_sign_in", "end_session"].contains(&operation.id());
        assert_eq!(good, if is_of_page { 2 } else { 1 }, "{}", operation.id());
        for (status, response) in responses {
            let what = format!("{} {status}", operation.id());
            assert!(text(response, "description").ends_with('.'), "{what}: {response}");
            assert_eq!(
                ["429", "503"].contains(&status.as_str()),
                has_header(response, "Retry-After"),
                "{what}: {response}"
            );
            assert_eq!(status == "303", has_header(response, "Location"), "{what}: {response}");
            for (kind, media) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                let page = kind.starts_with("text/html");
                assert!(page || has_example(&document, &media["schema"]), "{what} {kind}: {media}");
            }
        }
    }
}

fn has_header(response: &Value, name: &str) -> bool {
    response.get("headers").and_then(|headers| headers.get(name)).is_some()
}

/// An example of its own, or one of each alternative.
fn has_example(document: &Document, schema: &Value) -> bool {
    let schema = document.resolve(schema);
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    schema.get("example").is_some()
        || alternatives.is_some_and(|any| any.iter().all(|one| has_example(document, one)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_is_used_and_its_example_is_as_it_says() {
    let (document, printed) = read().await;
    let schemas: &Map<String, Value> = document.root()["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(printed.contains(&format!("#/components/schemas/{name}'")), "{name} is used nowhere");
        assert!(text(schema, "description").ends_with('.'), "{name}");
        for (member, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            assert!(text(property, "description").ends_with('.'), "{name}.{member}: {property}");
        }
        if let Some(example) = schema.get("example") {
            let faults = document.faults(schema, example);
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_take_a_token_say_every_way_to_send_it() {
    let (document, _) = read().await;
    let schemes: Vec<_> =
        document.root()["components"]["securitySchemes"].as_object().unwrap().keys().collect();
    assert_eq!(schemes, ["auth_token", "bearer", "jwt", "refresh_token", "session_cookie"]);
    let tokens = json!([{"bearer": []}, {"auth_token": []}, {"jwt": []}, {}]);
    let all = json!([{"bearer": []}, {"auth_token": []}, {"jwt": []}, {"session_cookie": []}, {}]);
    let cookie = json!([{"session_cookie": []}, {}]);
    let refresh = json!([{"refresh_token": []}, {}]);
    for operation in document.operations() {
        let expected = match operation.id() {
            "check_session" | "authorize_service" | "update_user" | "end_session" => Some(&tokens),
            "list_tokens"
            | "create_token"
            | "revoke_tokens"
            | "update_token"
            | "rotate_token"
            | "revoke_token"
            | "list_role_accounts"
            | "create_role_account"
            | "read_role_account"
            | "update_role_account"
            | "list_role_tokens"
            | "create_role_token"
            | "revoke_role_tokens"
            | "update_role_token"
            | "rotate_role_token"
            | "revoke_role_token"
            | "read_session"
            | "replace_session_data"
            | "update_session_data"
            | "clear_session_data"
            | "create_token_pair"
            | "list_grants"
            | "update_grant"
            | "revoke_grant" => Some(&all),
            "refresh_token_pair" | "replace_token_pair" => Some(&refresh),
            "show_sign_in" => Some(&cookie),
            _ => None,
        };
        assert_eq!(operation.value.get("security"), expected, "{}", operation.id());
        let has_body = operation.value.get("requestBody").is_some();
        assert_eq!(["post", "put", "patch"].contains(&operation.method), has_body, "{}", operation.id());
    }
}
