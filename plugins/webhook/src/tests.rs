//! The plugin through its table, against real servers on loopback.

mod answers;
mod connections;
mod messages;
mod retries;
mod schema;
mod server;
mod tls;

use vestibule_plugin_sdk::testing::{Answer, Harness};
use vestibule_plugin_sdk::{Value, abi::code, json};

use crate::webhook::Webhook;
use server::Server;

const SECRET: &str = "whsec_dmVzdGlidWxlIGFza3MsIGEgd2ViaG9vayBhbnN3ZXI=";

/// An instance that asks this address, with more of a configuration.
fn asking(url: &str, more: &Value) -> Harness<Webhook> {
    let mut config = json!({"url": url, "secrets": [SECRET]});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Harness::new(&config).unwrap_or_else(|answer| panic!("{answer:?}"))
}

fn plugin(server: &Server) -> Harness<Webhook> {
    asking(&server.url("/permissions?key=hunter2"), &json!({}))
}

fn permissions(plugin: &Harness<Webhook>) -> Answer {
    plugin.get_permissions("storage", "u1").unwrap()
}

/// The answer is a failure with this code; its text.
fn failure(answer: &Answer, code: i32) -> &str {
    let text = answer.error.as_deref().unwrap_or_default();
    assert_eq!((answer.code, &answer.reply), (code, &None), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("whsec"), "a secret is in {text}");
    assert!(text.contains("(webhook-id msg_"), "{text}");
    text
}

fn assert_fatal(answer: &Answer, says: &str) {
    let text = failure(answer, code::FATAL);
    assert!(text.contains(says), "{says} is not in {text}");
}

fn assert_retry(answer: &Answer, says: &str) {
    let text = failure(answer, code::RETRY);
    assert!(text.contains(says), "{says} is not in {text}");
}
