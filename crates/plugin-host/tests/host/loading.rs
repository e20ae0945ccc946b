//! What is refused before it does harm.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use serde_json::json;
use vestibule_plugin_host::{
    InstanceSettings, LoadFault, Operation, PluginHost, PluginPath, PluginPlan, inspect,
};

use crate::support::{Folder, ask, config, explain, parts, service, spec, this_program};

/// The text of the error with which a host of this folder does not start.
fn refused(folder: &Folder, plugin: &str) -> String {
    folder.serve(plugin, InstanceSettings::default()).expect_err("the plugin is refused").to_string()
}

#[track_caller]
fn assert_refused(folder: &Folder, reason: &str) {
    let error = refused(folder, "variant");
    assert!(error.contains(reason), "{error}");
    assert!(error.contains("\"billing\"") && error.contains("libvariant.so"), "{error}");
}

#[tokio::test]
async fn a_plugin_in_plain_c_is_found_loaded_and_asked() {
    let folder = Folder::new();
    folder.compile("hello.c", "hello", &[]);
    let host = folder.serve("hello", InstanceSettings::default()).unwrap();
    let ada = ask(&host, "billing", "ada").await.unwrap();
    assert_eq!(json!(ada), json!({"read": true, "admin": true}));
    let bob = ask(&host, "billing", "bob").await.unwrap();
    assert_eq!(json!(bob), json!({"read": true, "admin": false}));
}

#[test]
fn the_guide_shows_the_plugin_in_c_as_it_is_tested() {
    let guide = include_str!("../../../../docs/plugins/c.md");
    assert!(guide.contains(include_str!("../fixtures/hello.c")));
}

#[tokio::test]
async fn an_older_shorter_table_works_without_the_late_operations() {
    let folder = Folder::with_variant(&["SIZE=104"]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    assert_eq!(json!(ask(&host, "billing", "ada").await.unwrap()), json!({"ok": true}));
    assert_eq!(host.list()[0].capabilities, ["get_permissions"]);
    assert_eq!(explain(&host, "billing", "ada").await, Ok(None));
}

#[test]
fn e6_another_abi_is_refused_with_both_versions() {
    assert_refused(
        &Folder::with_variant(&["MAJOR=2"]),
        "version 2.0 of the plugin ABI; this program has 1.2",
    );
    assert_refused(
        &Folder::with_variant(&["MINOR=3"]),
        "version 1.3 of the plugin ABI; this program has 1.2",
    );
}

#[test]
fn e6_a_table_that_breaks_the_rules_is_refused() {
    for (define, reason) in [
        ("MAGIC=1", "magic"),
        ("SIZE=80", "too small"),
        ("SIZE=0", "too small"),
        ("FLAGS=4", "flag"),
        ("NO_CREATE", "no create"),
        ("NO_TABLE", "there is none"),
    ] {
        assert_refused(&Folder::with_variant(&[define]), reason);
    }
    assert_refused(
        &Folder::with_variant(&["NO_PERMISSIONS", "NO_HOOKS"]),
        "neither permissions nor a hook nor resolve_token",
    );
    assert_refused(
        &Folder::with_variant(&["NO_PERMISSIONS", "EXPLAIN"]),
        "explains permissions and does not",
    );
}

#[test]
fn e6_a_library_without_the_symbol_is_refused() {
    assert_refused(&Folder::with_variant(&["SYMBOL=another_name"]), "does not export vestibule_plugin_v1");
}

#[test]
fn e6_what_is_not_a_whole_library_is_refused() {
    let folder = Folder::with_variant(&[]);
    let file = folder.file("variant");
    let whole = fs::read(&file).unwrap();
    for part in [whole.len() - 1, whole.len() / 2, 100, 0] {
        fs::write(&file, &whole[..part]).unwrap();
        assert_refused(&folder, "is not a library that can be loaded");
    }
    let mut foreign = whole.clone();
    foreign[18] ^= 0x40;
    fs::write(&file, &foreign).unwrap();
    assert_refused(&folder, "another processor");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    assert_refused(&folder, "not an ELF file");
}

#[test]
fn e6_a_library_that_others_may_write_is_refused() {
    let folder = Folder::with_variant(&[]);
    for mode in [0o777, 0o775, 0o757] {
        fs::set_permissions(folder.file("variant"), fs::Permissions::from_mode(mode)).unwrap();
        assert_refused(&folder, "may be written by its group or by everybody");
    }
}

#[test]
fn e6_a_library_in_a_folder_that_others_may_write_is_refused() {
    let folder = Folder::with_variant(&[]);
    let own = folder.file("variant").parent().unwrap().to_owned();
    for mode in [0o777, 0o775, 0o1777] {
        fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
        let reason =
            format!("in a folder where others may change files: {} (mode {mode:04o})", own.display());
        assert_refused(&folder, &reason);
    }
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    // Above it is the system's folder for temporary files, where everybody may write: that does no harm.
    assert!(folder.serve("variant", InstanceSettings::default()).is_ok());
    let trusting = PluginPath::new(vec![own.clone()]).dangerous_trusting_the_group();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o775)).unwrap();
    let services = vec![(service("billing"), spec("billing", "variant", InstanceSettings::default()))];
    let plan = PluginPlan { path: trusting, services, ..PluginPlan::default() };
    assert!(PluginHost::load(&plan, parts()).is_ok());
}

#[test]
fn e6_the_folders_above_count_as_well_and_links_to_folders_are_followed() {
    let top = tempfile::tempdir().unwrap();
    let (above, link) = (top.path().join("above"), top.path().join("link"));
    let own = above.join("plugins");
    fs::create_dir_all(&own).unwrap();
    symlink(&own, &link).unwrap();
    let built = Folder::with_variant(&[]);
    fs::copy(built.file("variant"), own.join("libvariant.so")).unwrap();
    let serve = || Folder::serve_from(&link, "variant", InstanceSettings::default());
    assert!(serve().is_ok());
    fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
    let error = serve().unwrap_err().to_string();
    assert!(error.contains(&format!("others may change files: {} (mode 0777)", above.display())), "{error}");
    fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).unwrap();
    // Only root can give a folder away; for anybody else there is nothing to try.
    if chown(&above, Some(12_345), None).is_ok() {
        let error = serve().unwrap_err().to_string();
        assert!(error.contains(&format!("in a folder of the user 12345: {}", above.display())), "{error}");
    }
}

#[test]
fn e6_a_library_of_another_user_is_refused() {
    let folder = Folder::with_variant(&[]);
    // Only root can give a file away; for anybody else there is nothing to try.
    if chown(folder.file("variant"), Some(12_345), None).is_ok() {
        assert_refused(&folder, "belongs to the user 12345");
    }
}

#[test]
fn e6_links_folders_and_absent_files_are_refused() {
    let folder = Folder::new();
    folder.compile("variant.c", "real", &[]);
    symlink(folder.file("real"), folder.file("variant")).unwrap();
    assert_refused(&folder, "is a symbolic link");
    fs::create_dir(folder.file("folder")).unwrap();
    assert!(refused(&folder, "folder").contains("is not a regular file"));
    let error = refused(&folder, "absent");
    assert!(error.contains("no libabsent.so in /"), "{error}");
}

#[test]
fn e6_a_pinned_library_must_be_the_one() {
    let folder = Folder::with_variant(&[]);
    let sha256 = inspect(&folder.file("variant"), &this_program()).unwrap().sha256;
    let pinned = |sha256| InstanceSettings { sha256: Some(sha256), ..InstanceSettings::default() };
    assert!(folder.serve("variant", pinned(sha256)).is_ok());
    let error = folder.serve("variant", pinned([7; 32])).unwrap_err();
    assert!(matches!(error.fault(), LoadFault::Pin { .. }), "{error}");
}

#[tokio::test]
async fn e6_overwriting_a_loaded_library_does_no_harm() {
    let folder = Folder::with_variant(&[]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    fs::write(folder.file("variant"), vec![0; 10]).unwrap();
    assert!(ask(&host, "billing", "ada").await.is_ok());
}

#[test]
fn a_plugin_must_provide_what_it_is_configured_for() {
    assert_refused(&Folder::with_variant(&["NO_PERMISSIONS"]), "provides no permissions");
    let folder = Folder::with_variant(&["NO_HOOKS"]);
    let error = folder.extend(vec![spec("audit", "variant", InstanceSettings::default())]).unwrap_err();
    assert!(error.to_string().contains("provides no hook"), "{error}");
}

#[test]
fn an_alias_is_used_once() {
    let folder = Folder::with_variant(&[]);
    let audit = || spec("audit", "variant", InstanceSettings::default());
    let error = folder.extend(vec![audit(), audit()]).unwrap_err();
    assert!(matches!(error.fault(), LoadFault::DuplicateAlias), "{error}");
}

#[test]
fn e3_a_plugin_that_does_not_start_stops_the_start() {
    for (code, reason) in [
        ("CREATE_CODE=3", "cannot start now: not\\ntoday"),
        ("CREATE_CODE=4", "cannot start: not\\ntoday"),
        ("CREATE_CODE=1", "a code that means nothing there"),
        ("CREATE_CODE=99", "an unknown code"),
    ] {
        assert_refused(&Folder::with_variant(&[code]), reason);
    }
    let folder = Folder::with_built(&["faulty-plugin"]);
    let error = folder.serve("faulty-plugin", config(&json!({"fault": "panic-in-create"}))).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("panicked while starting: panic: the configured panic in create"), "{error}");
    let error = folder.serve("faulty-plugin", config(&json!({"falt": "none"}))).unwrap_err().to_string();
    assert!(error.contains("unknown field `falt`"), "{error}");
}

#[tokio::test]
async fn one_library_serves_several_instances_with_their_own_configuration() {
    let folder = Folder::with_built(&["sample-permissions"]);
    let settings = |granted: bool| config(&json!({"permission": "admin", "granted": granted}));
    let services = vec![
        (service("storage"), spec("storage", "sample-permissions", settings(true))),
        (service("reports"), spec("reports", "sample-permissions", settings(false))),
    ];
    let host = PluginHost::load(&folder.plan(services, Vec::new()), parts());
    let host = host.unwrap();
    let storage = ask(&host, "storage", "u1").await.unwrap();
    assert_eq!(json!(storage), json!({"provider-token": "storage-u1", "admin": true}));
    let reports = ask(&host, "reports", "u1").await.unwrap();
    assert_eq!(json!(reports), json!({"provider-token": "reports-u1", "admin": false}));
    let list = host.list();
    assert_eq!((list[0].alias.as_str(), list[1].alias.as_str()), ("reports", "storage"));
    assert_eq!(list[0].name, "sample-permissions");
}

#[test]
fn a_description_tells_people_what_a_plugin_is() {
    let folder = Folder::with_built(&["sample-permissions"]);
    folder.compile("variant.c", "variant", &["FLAGS=1"]);
    let sample = inspect(&folder.file("sample_permissions"), &this_program()).unwrap();
    assert!(sample.provides(Operation::Permissions) && !sample.provides(Operation::UserLogin));
    let text = sample.to_string();
    for part in ["name      sample-permissions", "abi       1.0", "get_permissions", "rustc", "\"granted\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let variant = inspect(&folder.file("variant"), &this_program()).unwrap();
    assert!(!variant.wants_identities && !variant.provides(Operation::Explain));
    let variant = variant.to_string();
    assert!(variant.contains("version   1\\n2") && variant.contains("one at a time"), "{variant}");
}

#[tokio::test]
async fn a_plugin_may_want_identities_and_explain_itself() {
    let folder = Folder::with_variant(&["FLAGS=2", "EXPLAIN"]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    assert_eq!(json!(explain(&host, "billing", "ada").await.unwrap()), json!({"ok": true}));
    let variant = inspect(&folder.file("variant"), &this_program()).unwrap();
    assert!(variant.wants_identities && !variant.serial && variant.provides(Operation::Explain));
    let text = variant.to_string();
    assert!(text.contains("reads     user, identities") && text.contains(", explain"), "{text}");
}

#[test]
fn e1_only_configured_services_are_offered() {
    let folder = Folder::with_variant(&[]);
    let host = folder.serve("variant", InstanceSettings::default()).unwrap();
    assert!(host.offers(&service("billing")));
    for other in ["variant", "Billing", "billing2"] {
        assert!(!host.offers(&service(other)), "{other}");
    }
}
