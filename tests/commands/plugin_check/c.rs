//! Plugins in C: tables with defects, and a plain one.

use std::path::Path;

use super::{check, failed, lines};
use crate::authorize::plugins::PluginFolder;

#[tokio::test]
async fn e6_each_defect_of_a_table_is_named() {
    let folder = PluginFolder::new();
    for (define, part) in [
        ("MAGIC=1", "its table is not valid: it does not begin with the magic number"),
        ("SIZE=80", "its table is not valid: it is too small"),
        ("FLAGS=4", "it has a flag that this version does not know"),
        ("NO_CREATE", "there is no create"),
        ("NO_TABLE", "its table is not valid: there is none"),
        ("NAME=\"\"", "it has no name"),
        ("NAME=\"\\xff\"", "one of its texts is not UTF-8"),
        ("MAJOR=2", "it was made for version 2.0 of the plugin ABI"),
        ("MINOR=99", "it was made for version 1.99 of the plugin ABI"),
        ("SYMBOL=another_name", "it does not export vestibule_plugin_v1"),
    ] {
        folder.add_variant("variant", &[define]);
        let outcome = check(&folder.file("variant")).await;
        assert_eq!(
            (outcome.status, failed(&outcome.out)),
            (Some(1), vec!["table"]),
            "{define}: {}",
            outcome.out
        );
        assert!(lines(&outcome.out, "table").contains(part), "{define}: {}", outcome.out);
        assert!(lines(&outcome.out, "create").contains("not run: "), "{define}: {}", outcome.out);
    }
}

#[tokio::test]
async fn e6_a_file_that_the_service_would_not_load_fails_at_once() {
    let folder = PluginFolder::new();
    folder.write("garbage", b"\x7fELF and then nothing of the kind");
    folder.add_variant("open", &[]);
    folder.set_mode("open", 0o777);
    for (name, part) in [
        ("garbage", "FAILED: it is not a library that can be loaded"),
        ("open", "FAILED: it may be written by its group or by everybody"),
        ("absent", "FAILED: it cannot be read: No such file"),
    ] {
        let outcome = check(&folder.file(name)).await;
        assert_eq!((outcome.status, failed(&outcome.out)), (Some(1), vec!["file"]), "{}", outcome.out);
        assert!(lines(&outcome.out, "file").contains(part), "{}", outcome.out);
        assert!(outcome.out.trim_end().ends_with("1 FAILED, 10 not run"), "{}", outcome.out);
    }
}

#[tokio::test]
async fn a_schema_that_is_none_is_found() {
    let folder = PluginFolder::new();
    for (schema, part) in [
        ("SCHEMA=\"{\"", "schema is not JSON"),
        ("SCHEMA=\"{\\\"type\\\":\\\"text\\\"}\"", "schema is of no use: schema/type must be"),
        ("SCHEMA=\"{\\\"$ref\\\":\\\"https://example.org/a\\\"}\"", "other documents are not fetched"),
    ] {
        folder.add_variant("variant", &[schema]);
        let outcome = check(&folder.file("variant")).await;
        assert_eq!(
            (outcome.status, failed(&outcome.out)),
            (Some(1), vec!["schema"]),
            "{schema}: {}",
            outcome.out
        );
        assert!(lines(&outcome.out, "schema").contains(part), "{schema}: {}", outcome.out);
    }
}

#[tokio::test]
async fn a_plugin_that_wants_one_call_at_a_time_gets_one_at_a_time() {
    let folder = PluginFolder::new();
    folder.add_variant("several", &["COUNT"]);
    let outcome = check(&folder.file("several")).await;
    assert_eq!((outcome.status, failed(&outcome.out)), (Some(1), vec!["threads"]), "{}", outcome.out);
    folder.add_variant("serial", &["COUNT", "FLAGS=1"]);
    let outcome = check(&folder.file("serial")).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.out);
    let threads = lines(&outcome.out, "threads");
    assert!(threads.contains("on 8 threads, one call at a time as the plugin wants it"), "{threads}");
}

#[tokio::test]
async fn an_explanation_must_be_one() {
    let folder = PluginFolder::new();
    folder.add_variant("variant", &["EXPLAIN"]);
    let outcome = check(&folder.file("variant")).await;
    assert_eq!((outcome.status, failed(&outcome.out)), (Some(1), vec!["answers"]), "{}", outcome.out);
    assert!(
        lines(&outcome.out, "answers").contains("explain: its answer has not the members"),
        "{}",
        outcome.out
    );
    folder.add_variant("variant", &["EXPLAIN", "REPLY=\"{\\\"permissions\\\":{},\\\"because\\\":[]}\""]);
    let outcome = check(&folder.file("variant")).await;
    assert_eq!(outcome.status, Some(0), "{}", outcome.out);
}

#[tokio::test]
async fn the_plugin_of_the_c_guide_passes_with_what_it_could_do_better() {
    let folder = PluginFolder::new();
    let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/plugin-host/tests/fixtures/hello.c");
    folder.compile(&hello, "hello", &[]);
    let outcome = check(&folder.file("hello")).await;
    assert_eq!((outcome.status, outcome.error.as_str()), (Some(0), ""), "{}", outcome.out);
    for (check, part) in [
        ("schema", "remark: the plugin declares no schema"),
        ("broken configurations", "remark: it accepts an unknown member"),
        ("odd strings", "ok: "),
    ] {
        assert!(lines(&outcome.out, check).contains(part), "{check}: {}", outcome.out);
    }
}
