//! Events: in turn, within bounds, and never in the way of a sign-in.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_domain::User;
use vestibule_plugin_host::{Hook, InstanceSettings, Operation, Outcome, PatchField, PluginHost};

use crate::support::{Folder, Recorder, config, impatient, parts_with, spec, user};

fn attributes(user: &User) -> Value {
    Value::Object(user.attributes.as_object().clone())
}

fn fault(fault: &str) -> InstanceSettings {
    config(&json!({"fault": fault}))
}

#[tokio::test]
async fn the_sample_counts_sign_ins() {
    let folder = Folder::with_built(&["sample-extension"]);
    let host = folder.extend(vec![spec("sample", "sample-extension", InstanceSettings::default())]).unwrap();
    let outcome = host.run_hook(Hook::NewUser, user("u1"), "google:1").await;
    assert!(outcome.patches.is_empty());
    let outcome = host.run_hook(Hook::UserLogin, outcome.user, "google:1").await;
    assert!(!outcome.patches.is_empty() && outcome.denied.is_none());
    let outcome = host.run_hook(Hook::UserLogin, outcome.user, "google:1").await;
    assert_eq!(attributes(&outcome.user), json!({"sample": {"sign_ins": 2}}));
    let outcome = host.run_hook(Hook::UserLogout, outcome.user, "google:1").await;
    assert!(outcome.patches.is_empty());
}

#[tokio::test]
async fn extensions_run_in_order_and_see_what_the_earlier_ones_changed() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    let specs = ["a", "b"].map(|alias| spec(alias, "faulty-plugin", fault("greedy-patch")));
    let observer = Arc::new(Recorder::default());
    let host =
        PluginHost::load(&folder.plan(Vec::new(), specs.into()), parts_with(observer.clone())).unwrap();
    let before = user("u1");
    let outcome = host.run_hook(Hook::UserLogin, before.clone(), "google:1").await;
    assert_eq!(outcome.patches.len(), 2);
    assert_eq!(
        (&outcome.user.id, &outcome.user.email),
        (&before.id, &before.email),
        "not an extension's to change"
    );
    assert_eq!(outcome.user.name.as_ref().unwrap().as_str(), "Renamed");
    assert_eq!(attributes(&outcome.user), json!({"seen_name": "Renamed"}), "the second saw the new name");
    let rejected = ["a", "a", "b", "b"].map(|alias| (alias.to_owned(), PatchField::Other));
    assert_eq!(observer.rejected(), rejected, "the id and the address");
}

#[tokio::test]
async fn e8_a_hook_that_fails_is_counted_and_skipped() {
    let folder = Folder::with_built(&["faulty-plugin", "sample-extension"]);
    folder.compile("variant.c", "hangs", &["HANG"]);
    let specs = vec![
        spec("panics", "faulty-plugin", fault("panic-in-call")),
        spec("hangs", "hangs", impatient()),
        spec("babbles", "faulty-plugin", fault("not-json")),
        spec("denies", "faulty-plugin", fault("deny")),
        spec("silent", "faulty-plugin", fault("no-opinion")),
        spec("works", "sample-extension", InstanceSettings::default()),
    ];
    let observer = Arc::new(Recorder::default());
    let host = PluginHost::load(&folder.plan(Vec::new(), specs), parts_with(observer.clone())).unwrap();
    let outcome = host.run_hook(Hook::UserLogin, user("u1"), "google:1").await;
    assert_eq!(outcome.denied, None);
    assert_eq!(attributes(&outcome.user), json!({"sample": {"sign_ins": 1}}));
    let expected = [
        ("panics", Outcome::Panic),
        ("hangs", Outcome::Timeout),
        ("babbles", Outcome::BadAnswer),
        ("denies", Outcome::Failed),
        ("silent", Outcome::NoOpinion),
        ("works", Outcome::Ok),
    ];
    let expected = expected.map(|(alias, outcome)| (alias.to_owned(), Operation::UserLogin, outcome));
    assert_eq!(observer.seen(), expected);
}

#[tokio::test]
async fn a_denial_ends_a_sign_in_where_it_is_allowed_and_never_a_sign_out() {
    let folder = Folder::with_built(&["faulty-plugin", "sample-extension"]);
    let specs = vec![
        spec("denies", "faulty-plugin", InstanceSettings { may_deny: true, ..fault("deny") }),
        spec("works", "sample-extension", InstanceSettings::default()),
    ];
    let host = folder.extend(specs).unwrap();
    let outcome = host.run_hook(Hook::UserLogin, user("u1"), "google:1").await;
    assert_eq!(outcome.denied.as_deref(), Some("the configured denial"));
    assert!(outcome.patches.is_empty(), "those after it are not told");
    let outcome = host.run_hook(Hook::UserLogout, user("u1"), "google:1").await;
    assert_eq!(outcome.denied, None);
}

#[tokio::test]
async fn an_extension_without_the_hook_is_not_called() {
    let folder = Folder::with_variant(&[]);
    let observer = Arc::new(Recorder::default());
    let specs = vec![spec("audit", "variant", InstanceSettings::default())];
    let host = PluginHost::load(&folder.plan(Vec::new(), specs), parts_with(observer.clone())).unwrap();
    let outcome = host.run_hook(Hook::NewUser, user("u1"), "google:1").await;
    assert!(outcome.patches.is_empty() && observer.seen().is_empty());
}
