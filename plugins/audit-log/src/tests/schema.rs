//! The schema says what the configuration says.

use boon::{Compiler, Schemas};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{Value, json};

use super::Folder;
use crate::AuditLog;

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
    let folder = Folder::new();
    let file = folder.file();
    let good = [
        json!({"file": file}),
        json!({"file": file, "stdout": false, "include": []}),
        json!({"file": file, "max_bytes": 4096, "keep": 1, "fsync": true}),
        json!({"stdout": true}),
        json!({"stdout": true, "include": ["name", "email"], "fsync": false}),
    ];
    let bad = [
        json!({}),
        json!({"stdout": false}),
        json!({"file": file, "stdout": true}),
        json!({"file": "audit.jsonl"}),
        json!({"stdout": true, "max_bytes": 5000}),
        json!({"stdout": true, "fsync": true}),
        json!({"file": file, "keep": 1}),
        json!({"file": file, "max_bytes": 4095}),
        json!({"file": file, "max_bytes": 4096, "keep": 0}),
        json!({"file": file, "max_bytes": 4096, "keep": 1001}),
        json!({"file": file, "include": ["attributes"]}),
        json!({"files": file}),
    ];
    for (config, fits) in
        good.iter().map(|config| (config, true)).chain(bad.iter().map(|config| (config, false)))
    {
        assert_eq!((is_valid(config), Harness::<AuditLog>::new(config).is_ok()), (fits, fits), "{config}");
    }
}
