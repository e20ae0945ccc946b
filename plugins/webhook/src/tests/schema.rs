//! The schema says what the configuration says.

use boon::{Compiler, Schemas};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{Value, json};

use super::SECRET;
use crate::webhook::Webhook;

/// Whether the schema accepts a configuration.
fn is_valid(config: &Value) -> bool {
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    let schema: Value = include_str!("../../schema.json").parse().unwrap();
    compiler.add_resource("schema.json", schema).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(config, index).is_ok()
}

#[test]
fn both_accept_the_same() {
    let good = [
        json!({"url": "https://a.example/x?mail=a@b"}),
        json!({"url": "http://localhost"}),
        json!({"url": "http://[::1]:9/", "secrets": [SECRET, SECRET], "headers": {"X-Tenant": "acme"}}),
        json!({"retries": 10, "connect_timeout": "300ms", "send_identities": true}),
    ];
    let bad = [
        json!({"url": "https://ada@a.example"}),
        json!({"url": "https://:x@a.example/"}),
        json!({"url": "https://a.example/#x"}),
        json!({"url": "ftp://a.example"}),
        json!({"secrets": []}),
        json!({"secrets": [SECRET, SECRET, SECRET]}),
        json!({"secrets": ["hunter2"]}),
        json!({"headers": {"a": 1}}),
        json!({"client_key_file": "/nonexistent"}),
        json!({"retries": 11}),
        json!({"retries": -1}),
        json!({"secret": SECRET}),
    ];
    for (more, fits) in good.iter().map(|more| (more, true)).chain(bad.iter().map(|more| (more, false))) {
        let mut config = json!({"url": "https://a.example/", "secrets": [SECRET]});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!((is_valid(&config), Harness::<Webhook>::new(&config).is_ok()), (fits, fits), "{config}");
    }
}
