//! A sample token handler: role accounts that the operator has listed, by the SHA-256 of their tokens, so that no token
//! stands in any file.
//!
//! ```toml
//! token_handlers = "keys:sample-tokens"
//!
//! [plugin.keys.config.tokens]
//! # printf %s the-token | sha256sum
//! "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" = { uid = "builds", scopes = ["read"] }
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use vestibule_plugin_sdk::{
    CallCtx, Error, Logger, Plugin, Result, TokenHandler, TokenIdentity, TokenRequest, export_plugin,
};

/// What is taken out of the configuration ends with a reload, whatever is kept of it; this saves the hashing.
const REUSE: Duration = Duration::from_secs(60);

/// What the operator may configure; `schema.json` says the same for people and tools.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    tokens: BTreeMap<String, Account>,
}

/// Whom a token stands for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    uid: String,
    services: Option<Vec<String>>,
    #[serde(default)]
    scopes: Vec<String>,
}

struct SampleTokens(BTreeMap<String, Account>);

impl Plugin for SampleTokens {
    type Config = Config;

    fn create(_alias: &str, config: Config, _log: Logger) -> Result<Self> {
        let is_digest =
            |text: &String| text.len() == 64 && text.bytes().all(|it| b"0123456789abcdef".contains(&it));
        if config.tokens.keys().all(is_digest) {
            Ok(Self(config.tokens))
        } else {
            // The wrong name may be a token itself.
            Err(Error::fatal(
                "each name in `tokens` is the SHA-256 of a token, as 64 lower-case hexadecimal digits",
            ))
        }
    }
}

impl TokenHandler for SampleTokens {
    fn resolve_token(&self, call: &CallCtx<'_>, request: &TokenRequest<'_>) -> Result<TokenIdentity> {
        let digest = hex::encode(digest(&SHA256, request.token().as_bytes()));
        let account = self.0.get(&digest).ok_or(Error::NoOpinion)?;
        call.cache_for(REUSE);
        let identity = TokenIdentity::role_account(&account.uid).scopes(&account.scopes);
        Ok(match &account.services {
            Some(services) => identity.services(services),
            None => identity,
        })
    }
}

export_plugin!(SampleTokens { config_schema: include_str!("../schema.json") }: resolve_token);

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_plugin_sdk::abi::code;
    use vestibule_plugin_sdk::testing::Harness;
    use vestibule_plugin_sdk::{Value, json};

    /// Of `abc`.
    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_token_that_is_listed_stands_for_its_account() {
        for (account, expected) in [
            (json!({"uid": "builds"}), json!({"uid": "builds", "roleaccount": true, "scopes": []})),
            (
                json!({"uid": "builds", "services": ["storage"], "scopes": ["read"]}),
                json!({"uid": "builds", "roleaccount": true, "services": ["storage"], "scopes": ["read"]}),
            ),
        ] {
            let plugin = Harness::<SampleTokens>::new(&json!({"tokens": {DIGEST: account}})).unwrap();
            let answer = plugin.resolve_token("abc").unwrap();
            assert_eq!((answer.reply, answer.ttl), (Some(expected), Some(REUSE)));
        }
    }

    #[test]
    fn of_every_other_token_it_has_no_opinion() {
        let plugin = Harness::<SampleTokens>::new(&json!({"tokens": {DIGEST: {"uid": "builds"}}})).unwrap();
        for token in ["", "ABC", DIGEST, "abc "] {
            let answer = plugin.resolve_token(token).unwrap();
            assert_eq!((answer.code, answer.reply, answer.ttl), (code::NO_OPINION, None, None), "{token}");
        }
    }

    #[test]
    fn n1_a_token_in_the_place_of_its_digest_is_refused_and_not_repeated() {
        let answer =
            Harness::<SampleTokens>::new(&json!({"tokens": {"hunter2": {"uid": "u"}}})).err().unwrap();
        let said = answer.error.unwrap();
        assert!(said.contains("64 lower-case") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn the_schema_is_json() {
        let schema: Value = include_str!("../schema.json").parse().unwrap();
        assert_eq!(schema["title"], "sample-tokens");
    }
}
