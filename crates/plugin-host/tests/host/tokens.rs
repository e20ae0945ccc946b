//! Whom a token stands for: every outcome, in every isolation, and what is used again.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vestibule_plugin_host::{
    InstanceSettings, Isolation, Operation, Outcome, PluginHost, PluginPlan, TokenHolder, TokenIdentity,
    TokenOutcome, TokenPurpose, TokenQuestion,
};

use crate::support::{Folder, Recorder, config, eventually, patient, service, spec};

const ISOLATIONS: [Isolation; 3] = [Isolation::Thread, Isolation::Process, Isolation::Inline];
const BUILDS: &str = r#"REPLY="{\"uid\":\"builds\",\"scopes\":[\"read\"]}""#;

fn question(token: &str) -> TokenQuestion<'_> {
    TokenQuestion {
        token,
        purpose: TokenPurpose::Api,
        app: None,
        method: "GET",
        path: "/auth/session",
        client: "192.0.2.7",
        handlers: None,
    }
}

/// A plugin that is compiled with these options, and is a token handler alone.
fn folder(defines: &[&str]) -> Folder {
    Folder::with_variant(&[&["TOKENS", "NO_PERMISSIONS", "NO_HOOKS", "MINOR=2"], defines].concat())
}

fn serve(folder: &Folder, settings: InstanceSettings) -> (PluginHost, Arc<Recorder>) {
    let observer = Arc::new(Recorder::default());
    let host = folder.handle_tokens(vec![spec("keys", "variant", settings)], observer.clone()).unwrap();
    (host, observer)
}

fn handler(defines: &[&str]) -> (PluginHost, Arc<Recorder>) {
    serve(&folder(defines), patient())
}

fn identity(outcome: TokenOutcome) -> Arc<TokenIdentity> {
    match outcome {
        TokenOutcome::Identity(identity) => identity,
        other => panic!("{other:?}"),
    }
}

fn id(outcome: TokenOutcome) -> String {
    match &identity(outcome).holder {
        TokenHolder::RoleAccount(id) => id.to_string(),
        TokenHolder::Person(id) => panic!("the person {id}"),
    }
}

#[tokio::test]
async fn a_handler_is_told_the_token_and_its_context_and_says_whose_it_is() {
    let folder = folder(&["ECHO"]);
    for isolation in ISOLATIONS {
        let (host, observer) = serve(&folder, InstanceSettings { isolation, ..patient() });
        assert!(host.handles_tokens() && host.list()[0].capabilities == ["resolve_token"]);
        let wiki = service("wiki");
        let asked = TokenQuestion { purpose: TokenPurpose::ForwardAuth, app: Some(&wiki), ..question("abc") };
        let told = identity(host.resolve_token(&asked).await);
        let context = json!({
            "purpose": "forward_auth", "app": "wiki", "method": "GET", "path": "/auth/session", "ip": "192.0.2.7",
        });
        assert_eq!(json!(told.metadata), json!({"token": "abc", "context": context}), "{isolation:?}");
        assert_eq!((told.handler.as_str(), &told.services), ("keys", &None));
        let told = identity(host.resolve_token(&question("abc")).await);
        assert_eq!(told.metadata["context"].get("app"), None);
        assert_eq!(told.metadata["context"]["purpose"], "api");
        let seen = ("keys".to_owned(), Operation::ResolveToken, Outcome::Ok);
        assert_eq!(observer.seen(), [seen.clone(), seen]);
    }
}

#[tokio::test]
async fn h11_nothing_but_an_answer_that_is_understood_is_an_identity() {
    for (defines, outcome) in [
        (&["CODE=1"][..], TokenOutcome::NoOpinion),
        (&["CODE=2", BUILDS], TokenOutcome::Refused),
        (&["CODE=4", BUILDS], TokenOutcome::Refused),
        (&["CODE=5", BUILDS], TokenOutcome::Refused),
        (&["CODE=99", BUILDS], TokenOutcome::Refused),
        (&["REPLIES=0"], TokenOutcome::Refused),
        (&["REPLIES=2", BUILDS], TokenOutcome::Refused),
        (&["LARGE=1048576"], TokenOutcome::Refused),
        (&["REPLY=\"{}\""], TokenOutcome::Refused),
        (&[r#"REPLY="{\"uid\":\"a\\r\\nX: y\"}""#], TokenOutcome::Refused),
        (&[r#"REPLY="{\"uid\":\"u\",\"roleaccount\":\"yes\"}""#], TokenOutcome::Refused),
        (&[r#"REPLY="{\"uid\":\"u1\",\"roleaccount\":false}""#], TokenOutcome::Refused),
        (&["CODE=3", BUILDS], TokenOutcome::Unavailable(Duration::from_secs(2))),
    ] {
        let folder = folder(defines);
        for isolation in ISOLATIONS {
            let (host, _) = serve(&folder, InstanceSettings { isolation, ..patient() });
            assert_eq!(host.resolve_token(&question("abc")).await, outcome, "{defines:?} {isolation:?}");
        }
    }
}

#[tokio::test]
async fn h11_a_handler_that_hangs_is_waited_for_no_longer_than_its_time() {
    for isolation in [Isolation::Thread, Isolation::Process] {
        let timeout = Duration::from_millis(200);
        let settings = InstanceSettings { isolation, timeout, ..InstanceSettings::default() };
        let (host, observer) = serve(&folder(&["HANG"]), settings);
        let outcome = host.resolve_token(&question("abc")).await;
        assert!(matches!(outcome, TokenOutcome::Unavailable(_)), "{outcome:?}");
        assert_eq!(observer.count(Outcome::Timeout) + observer.count(Outcome::QueueTimeout), 1);
    }
}

#[tokio::test]
async fn h11_a_person_is_named_by_a_handler_that_may() {
    let folder = folder(&[r#"REPLY="{\"uid\":\"u1\",\"roleaccount\":false}""#]);
    let (host, _) = serve(&folder, InstanceSettings { may_name_users: true, ..patient() });
    let person = identity(host.resolve_token(&question("abc")).await);
    assert_eq!(person.holder, TokenHolder::Person(crate::support::user("u1").id));
}

#[tokio::test]
async fn handlers_are_asked_in_their_order_until_one_has_an_opinion() {
    let folder = Folder::new();
    let define = |name: &str, more: &[&str]| {
        let all = [&["TOKENS", "NO_PERMISSIONS", "NO_HOOKS", "MINOR=2"], more].concat();
        folder.compile("variant.c", name, &all);
    };
    define("silent", &["CODE=1"]);
    define("denies", &["CODE=2"]);
    define("knows", &[BUILDS]);
    for (order, named, outcome) in [
        (["silent", "knows", "denies"], None, Some("knows:builds")),
        (["knows", "silent", "denies"], None, Some("knows:builds")),
        (["silent", "denies", "knows"], None, None),
        (["silent", "denies", "knows"], Some(["knows"]), Some("knows:builds")),
    ] {
        let specs = order.map(|name| spec(name, name, patient())).to_vec();
        let host = folder.handle_tokens(specs, Arc::default()).unwrap();
        let named = named.map(|names| names.map(str::to_owned).to_vec());
        let asked = TokenQuestion { handlers: named.as_deref(), ..question("abc") };
        let resolved = host.resolve_token(&asked).await;
        match outcome {
            Some(expected) => assert_eq!(id(resolved), expected, "{order:?}"),
            None => assert_eq!(resolved, TokenOutcome::Refused, "{order:?}"),
        }
    }
    let host = folder.handle_tokens(vec![spec("silent", "silent", patient())], Arc::default()).unwrap();
    assert_eq!(host.resolve_token(&question("abc")).await, TokenOutcome::NoOpinion, "nobody knows it");
    let nobody = TokenQuestion { handlers: Some(&[]), ..question("abc") };
    assert_eq!(host.resolve_token(&nobody).await, TokenOutcome::NoOpinion);
}

#[tokio::test]
async fn a_handler_is_never_asked_about_what_is_no_bearer_token() {
    let (host, observer) = handler(&[BUILDS]);
    let longest = "x".repeat(4096);
    assert_eq!(id(host.resolve_token(&question(&longest)).await), "keys:builds");
    for odd in ["", "a b", "a\0b", "ä", "a\r\n", &"x".repeat(4097)] {
        assert_eq!(host.resolve_token(&question(odd)).await, TokenOutcome::NoOpinion);
    }
    assert_eq!(observer.seen().len(), 1);
}

const NUMBERED: [&str; 2] = ["NUMBERED", r#"NUMBERED_FORM="{\"uid\":\"u%d\"}""#];

#[tokio::test]
async fn an_identity_is_used_again_for_the_same_token_and_app_while_the_handler_lets_it() {
    let (host, _) = handler(&[&NUMBERED[..], &["TTL=60"]].concat());
    let (wiki, storage) = (service("wiki"), service("storage"));
    let asked = |app, token| TokenQuestion { app, ..question(token) };
    for (question, expected) in [
        (asked(None, "abc"), "keys:u1"),
        (asked(None, "abc"), "keys:u1"),
        (asked(Some(&wiki), "abc"), "keys:u2"),
        (asked(Some(&storage), "abc"), "keys:u3"),
        (asked(None, "abd"), "keys:u4"),
        (
            TokenQuestion { path: "/other", method: "POST", client: "192.0.2.8", ..asked(None, "abc") },
            "keys:u1",
        ),
    ] {
        assert_eq!(id(host.resolve_token(&question).await), expected);
    }
    let (host, _) = handler(&NUMBERED);
    assert_eq!(id(host.resolve_token(&question("abc")).await), "keys:u1");
    assert_eq!(id(host.resolve_token(&question("abc")).await), "keys:u2", "it has not said so");
}

#[tokio::test]
async fn a_reload_drops_what_was_said() {
    let folder = folder(&[&NUMBERED[..], &["TTL=3600"]].concat());
    let plan = PluginPlan {
        path: folder.path(),
        token_handlers: vec![spec(
            "keys",
            "variant",
            InstanceSettings { isolation: Isolation::Process, ..patient() },
        )],
        ..PluginPlan::default()
    };
    let host = PluginHost::load(&plan, crate::support::parts()).unwrap();
    assert_eq!(id(host.resolve_token(&question("one")).await), "keys:u1");
    assert_eq!(id(host.resolve_token(&question("two")).await), "keys:u2");
    assert_eq!(id(host.resolve_token(&question("two")).await), "keys:u2");
    host.reload(&plan).unwrap();
    assert_eq!(id(host.resolve_token(&question("two")).await), "keys:u1", "it is asked anew");
}

#[tokio::test]
async fn h11_what_is_no_token_of_the_handler_s_is_asked_once_in_some_seconds() {
    for code in ["CODE=1", "CODE=2"] {
        let (host, observer) = handler(&[code]);
        for _ in 0..100 {
            let outcome = host.resolve_token(&question("garbage")).await;
            assert!(matches!(outcome, TokenOutcome::NoOpinion | TokenOutcome::Refused), "{outcome:?}");
        }
        assert_eq!(observer.taken_up(), 1, "{code}");
        let again = async || {
            host.resolve_token(&question("garbage")).await;
            observer.taken_up() == 2
        };
        eventually("it is asked again", again).await;
    }
    let (host, observer) = handler(&["CODE=4"]);
    for _ in 0..3 {
        assert_eq!(host.resolve_token(&question("garbage")).await, TokenOutcome::Refused);
    }
    assert_eq!(observer.taken_up(), 3, "a failure is not kept");
}

#[tokio::test]
async fn h11_of_one_token_one_call_is_under_way() {
    let folder = Folder::new();
    let gate = folder.file("gate");
    let define = format!("GATE=\"{}\"", gate.display());
    let numbered = [&["TOKENS", "MINOR=2", define.as_str()], &NUMBERED[..]].concat();
    folder.compile("variant.c", "variant", &numbered);
    let (host, observer) = serve(&folder, patient());
    let host = Arc::new(host);
    fs::write(&gate, "").unwrap();
    let ask = |_| {
        let host = Arc::clone(&host);
        tokio::spawn(async move { id(host.resolve_token(&question("abc")).await) })
    };
    let callers: Vec<_> = (0..20).map(ask).collect();
    eventually("all have asked", async || observer.cache_results().len() == 20).await;
    eventually("a thread has the call", async || observer.taken_up() == 1).await;
    fs::remove_file(&gate).unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "keys:u1");
    }
    assert_eq!(observer.seen().len(), 1);
}

#[tokio::test]
async fn h11_failures_that_one_client_provokes_keep_nobody_else_out() {
    let (host, observer) = handler(&["CODE=4"]);
    for number in 0..30 {
        host.resolve_token(&question(&format!("odd-{number}"))).await;
    }
    assert_eq!(observer.count(Outcome::BreakerOpen), 0);
    for number in 0..30 {
        let client = format!("192.0.2.{number}");
        host.resolve_token(&TokenQuestion { client: &client, ..question("abc") }).await;
    }
    assert!(observer.count(Outcome::BreakerOpen) > 0, "it fails for everybody");
    let outcome = host.resolve_token(&TokenQuestion { client: "192.0.2.99", ..question("abc") }).await;
    assert!(matches!(outcome, TokenOutcome::Unavailable(_) | TokenOutcome::Refused), "{outcome:?}");
}

#[tokio::test]
async fn a_token_handler_in_plain_c_knows_its_token_and_no_other() {
    let folder = Folder::new();
    folder.compile("keys.c", "keys", &[]);
    let settings = config(&json!({"token": "0123456789-0123456789"}));
    let host = folder.handle_tokens(vec![spec("keys", "keys", settings)], Arc::default()).unwrap();
    assert_eq!(id(host.resolve_token(&question("0123456789-0123456789")).await), "keys:builds");
    for other in ["0123456789-0123456788", "0123456789-012345678", "x"] {
        assert_eq!(host.resolve_token(&question(other)).await, TokenOutcome::NoOpinion);
    }
}

#[test]
fn the_guide_shows_the_token_handler_in_c_as_it_is_tested() {
    let guide = include_str!("../../../../docs/plugins/c.md");
    assert!(guide.contains(include_str!("../fixtures/keys.c")));
}

#[test]
fn what_handles_no_tokens_is_no_token_handler_and_may_be_nothing_else() {
    let folder = Folder::with_variant(&[]);
    let refused = |specs| folder.handle_tokens(specs, Arc::default()).unwrap_err().to_string();
    let error = refused(vec![spec("keys", "variant", patient())]);
    assert!(error.contains("provides no resolve_token, so it cannot be a token handler"), "{error}");
    folder.compile("variant.c", "tokens", &["TOKENS", "NO_PERMISSIONS", "NO_HOOKS", "MINOR=2"]);
    let error = folder.serve("tokens", patient()).unwrap_err().to_string();
    assert!(error.contains("provides no permissions"), "{error}");
    let error = folder.extend(vec![spec("audit", "tokens", patient())]).unwrap_err().to_string();
    assert!(error.contains("provides no hook"), "{error}");
    let error = refused(vec![spec("keys", "tokens", patient()), spec("keys", "tokens", patient())]);
    assert!(error.contains("the alias is used twice"), "{error}");
}
