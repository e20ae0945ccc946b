//! The targets of the fuzzer in this crate: what a browser brings back from a provider, and what the backend of an app brings.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use vestibule_domain::{
    App, Apps, AttemptId, CallbackPath, Clock, Destination, Next, Origin, ProviderName, ServiceName,
    SessionId, SystemRandom, Timestamp, UserId,
};
use vestibule_tokens::{KeyRing, SESSION_HANDLE, SealPurpose, TokenService, TokenSettings, generate_key};

#[path = "../../../fuzz/edited.rs"]
mod edited;

use edited::edited;

use crate::authn::session_handle::SessionHandle;
use crate::sign_in::attempt::Attempt;
use crate::{BrowserSecret, CallbackRefusal, ProviderRefusal};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("callbacks", callbacks), ("session_handles", session_handles)];

const NOW: Timestamp = Timestamp::from_seconds(1_763_806_113);

struct Standstill;

impl Clock for Standstill {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct Stage {
    tokens: TokenService,
    browser: BrowserSecret,
    /// A good attempt of this browser.
    state: String,
    /// A good handle, without what it begins with.
    handle: String,
    apps: Apps,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let settings = TokenSettings {
            issuer: "https://auth.example.com".to_owned(),
            user_token_ttl: Duration::from_secs(3600),
            permission_token_ttl: Duration::from_secs(900),
        };
        let tokens = TokenService::new(ring(), settings, Arc::new(Standstill), Arc::new(SystemRandom));
        let browser = BrowserSecret::from_cookie(&"A".repeat(43)).unwrap();
        let id = AttemptId::parse("attempt").unwrap();
        let google = ProviderName::parse("google").unwrap();
        let attempt = Attempt::new(id, &google, &Destination::Next(Next::Home), &browser, NOW);
        let state = attempt.seal(&tokens).unwrap_or_else(|error| unreachable!("{error}"));
        let wiki = ServiceName::parse("wiki").unwrap();
        let (session, user) = (SessionId::parse("session").unwrap(), UserId::parse("user").unwrap());
        let handle = SessionHandle::new(session, user, &wiki, NOW).seal(&tokens);
        let handle = handle.unwrap_or_else(|error| unreachable!("{error}")).expose_secret().to_owned();
        let handle = handle.strip_prefix(SESSION_HANDLE).unwrap().to_owned();
        let origin = Origin::parse("https://wiki.example.com").unwrap();
        let apps = Apps::new(vec![App { name: wiki, origin }]);
        Stage { tokens, browser, state, handle, apps }
    })
}

/// Of a key that is there for this process alone: none comes with the source.
fn ring() -> KeyRing {
    let folder: PathBuf = std::env::temp_dir().join(format!("vestibule-fuzzing-{}", std::process::id()));
    generate_key(&folder, NOW, NOW).unwrap();
    let ring = KeyRing::load_dir(&folder, NOW).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    ring
}

fn open(sealed: &str, path: &CallbackPath) -> Result<Attempt, CallbackRefusal> {
    let Stage { tokens, browser, .. } = stage();
    Attempt::open(sealed, path, Some(browser), tokens, NOW).map(|(attempt, _)| attempt)
}

/// A state is believed that was sealed here, is in time and of this browser; a cookie is the secret that it holds, or nothing.
pub fn callbacks(bytes: &[u8]) {
    let stage = stage();
    if let Ok(text) = String::from_utf8(edited(stage.state.as_bytes(), bytes)) {
        assert_eq!(open(&text, &CallbackPath::Shared).is_ok(), text == stage.state, "{text:?}");
    }
    if let Ok(sealed) = stage.tokens.seal(SealPurpose::LoginAttempt, bytes) {
        assert_sealed_attempt_is_judged(&sealed, bytes);
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    assert!(open(text, &CallbackPath::Shared).is_err());
    assert!(
        CallbackPath::parse(text).is_none_or(|path| path.to_string() == text),
        "a path is written in one way"
    );
    if let Some(secret) = BrowserSecret::from_cookie(text) {
        assert_eq!(secret.to_cookie(), text, "a secret is written in one way");
        assert!(secret.matches(&secret.binding()) && !secret.matches(text));
    }
    let refusal = ProviderRefusal::of(text);
    assert!(["access_denied", "temporarily_unavailable", "sign_in_failed"].contains(&refusal.error()));
    assert!(refusal.code() == text || refusal.code() == "other");
    assert!(ProviderRefusal::for_log(text).bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
}

/// A handle is believed that was sealed here as one, says what a handle says and nothing else, is in time and of an app that there is.
pub fn session_handles(bytes: &[u8]) {
    let Stage { tokens, state, handle, apps, .. } = stage();
    let open = |text: &str, now| SessionHandle::open(text, tokens, apps, now);
    for text in [edited(handle.as_bytes(), bytes), edited(state.as_bytes(), bytes), bytes.to_vec()] {
        let Ok(text) = String::from_utf8(text) else { continue };
        assert_eq!(open(&text, NOW).is_some(), text == *handle, "{text:?}");
    }
    let Ok(sealed) = tokens.seal(SealPurpose::SessionHandle, bytes) else { return };
    let Some((opened, app)) = open(&sealed, NOW) else { return };
    let says: Value = serde_json::from_slice(bytes).unwrap();
    // The library reads the members in their order as well.
    let Some(ends_at) = says.get("e").and_then(Value::as_i64) else { return };
    let expected =
        json!({"s": opened.session.as_str(), "u": opened.user.as_str(), "a": app.as_str(), "e": ends_at});
    assert_eq!((says, app.as_str()), (expected, "wiki"));
    assert!(ends_at > NOW.micros() && open(&sealed, Timestamp::from_micros(ends_at)).is_none());
}

/// What an older or newer replica may have sealed.
fn assert_sealed_attempt_is_judged(sealed: &str, plain: &[u8]) {
    let stage = stage();
    let members = serde_json::from_slice::<Value>(plain).unwrap_or_default();
    let number = |name| members.get(name).and_then(Value::as_i64).unwrap_or_default();
    let provider = members.get("p").and_then(Value::as_str).and_then(|name| ProviderName::parse(name).ok());
    let path = provider.as_ref().map_or(CallbackPath::Shared, CallbackPath::for_provider);
    let others = match path {
        CallbackPath::Shared => CallbackPath::Own(ProviderName::parse("corporate").unwrap()),
        CallbackPath::Own(_) => CallbackPath::Shared,
    };
    assert!(open(sealed, &others).is_err_and(|refusal| {
        [CallbackRefusal::WrongCallback, CallbackRefusal::StateForged].contains(&refusal)
    }));
    match open(sealed, &path) {
        Ok(attempt) => {
            assert_eq!(provider.unwrap().as_str(), attempt.provider);
            assert!(number("v") <= 1, "of a version that is known");
            assert_eq!(members.get("b"), Some(&json!(stage.browser.binding())));
            assert_eq!(members.get("n"), Some(&json!(attempt.next)));
            assert!(number("e") > NOW.micros());
        }
        Err(CallbackRefusal::StateExpired) => assert!(number("e") <= NOW.micros()),
        Err(CallbackRefusal::OtherBrowser) => {
            assert_ne!(members.get("b"), Some(&json!(stage.browser.binding())));
        }
        Err(refusal) => assert_eq!(refusal, CallbackRefusal::StateForged),
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
