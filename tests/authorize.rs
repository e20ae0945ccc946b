//! A service asks what a person may do: plugins that answer, and plugins that do not.

mod answers;
mod caching;
mod crowds;
mod denial;
mod failures;
mod libraries;
mod meanwhile;
pub(crate) mod plugins;
mod reuse;
mod services;

use serde_json::{Value, json};
use vestibule_test_support::Answer;

use crate::world::World;

/// Asks for a permission token.
pub(crate) async fn authorize(world: &World, token: &str, service: &str) -> Answer {
    world.get_as(token, &format!("/auth/authorize?service={service}")).await
}

/// The answer to a request that succeeds.
pub(crate) async fn granted(world: &World, token: &str, service: &str) -> Value {
    let answer = authorize(world, token, service).await;
    assert_eq!(answer.status, 200, "{service}: {}", answer.body);
    let answer = answer.json();
    let members: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(members, ["permissions", "service", "token", "userid"], "{service}: {answer}");
    answer
}

/// There is no token and no permission set in place of one, and the client learns when to come back.
pub(crate) fn assert_unavailable(answer: &Answer, retry_after: &str, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.body);
    assert_eq!(answer.header("retry-after"), Some(retry_after), "{what}");
    let mut body = answer.json();
    let id = body.as_object_mut().unwrap().remove("request_id").expect("a request id");
    assert_eq!(answer.header("x-request-id"), id.as_str(), "{what}");
    let expected = json!({
        "error": "permissions_unavailable",
        "error_description": "the permissions cannot be determined now; try again",
    });
    assert_eq!(body, expected, "{what}");
}
