//! The targets of the fuzzer in this crate: what a browser brings back from a provider.
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

use serde_json::{Value, json};
use vestibule_domain::{
    AttemptId, CallbackPath, Clock, Destination, Next, ProviderName, SystemRandom, Timestamp,
};
use vestibule_tokens::{KeyRing, SealPurpose, TokenService, TokenSettings, generate_key};

#[path = "../../../fuzz/edited.rs"]
mod edited;

use edited::edited;

use crate::sign_in::attempt::Attempt;
use crate::{BrowserSecret, CallbackRefusal, ProviderRefusal};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("callbacks", callbacks)];

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
        Stage { tokens, browser, state }
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
