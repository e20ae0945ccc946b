//! Version 1.2 of the ABI through the table: whom a token stands for.
#![cfg(test)]

use std::time::Duration;

use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{
    CallCtx, Error, Logger, Map, Plugin, Result, TokenHandler, TokenIdentity, TokenRequest, Value,
    export::Export, export_plugin, json,
};

/// Knows tokens by what they begin with.
struct Keys;

impl Plugin for Keys {
    type Config = Map<String, Value>;

    fn create(_alias: &str, _config: Self::Config, _log: Logger) -> Result<Self> {
        Ok(Self)
    }
}

impl TokenHandler for Keys {
    fn resolve_token(&self, call: &CallCtx<'_>, request: &TokenRequest<'_>) -> Result<TokenIdentity> {
        match request.token().split_once(':') {
            Some(("role", uid)) => {
                call.cache_for(Duration::from_secs(30));
                Ok(TokenIdentity::role_account(uid))
            }
            Some(("person", id)) => Ok(TokenIdentity::person(id).email("ada@example.org")),
            Some(("context", _)) => {
                let context = json!(request.context()?);
                Ok(TokenIdentity::role_account("builds").metadata(context))
            }
            Some(("deny", _)) => Err(Error::deny("it has ended")),
            Some(("panic", _)) => panic!("as it was asked to"),
            _ => Err(Error::NoOpinion),
        }
    }
}

export_plugin!(Keys: resolve_token);

fn resolved(token: &str) -> (i32, Option<Value>) {
    let answer = Harness::<Keys>::new(&json!({})).unwrap().resolve_token(token).unwrap();
    (answer.code, answer.reply)
}

#[test]
fn a_plugin_may_have_tokens_alone_and_needs_the_newer_host() {
    let table = Keys::table();
    assert_eq!((table.abi_major, table.abi_minor), (1, 2));
    assert!(table.resolve_token.is_some() && table.get_permissions.is_none());
    assert_eq!(Harness::<Keys>::new(&json!({})).unwrap().get_permissions("billing", "u1"), None);
}

#[test]
fn whom_a_token_stands_for_goes_through_the_table() {
    assert_eq!(resolved("role:builds"), (code::OK, Some(json!({"uid": "builds", "roleaccount": true}))));
    let person = json!({"uid": "u1", "roleaccount": false, "email": "ada@example.org"});
    assert_eq!(resolved("person:u1"), (code::OK, Some(person)));
    let plugin = Harness::<Keys>::new(&json!({})).unwrap();
    assert_eq!(plugin.resolve_token("role:x").unwrap().ttl, Some(Duration::from_secs(30)));
    assert_eq!(plugin.resolve_token("person:x").unwrap().ttl, None);
}

#[test]
fn every_other_end_has_its_code() {
    assert_eq!(resolved("abc"), (code::NO_OPINION, None));
    assert_eq!(resolved(""), (code::NO_OPINION, None));
    assert_eq!(resolved("deny:"), (code::DENY, None));
    assert_eq!(resolved("panic:"), (code::PANIC, None));
}

#[test]
fn the_context_keeps_what_a_later_host_says() {
    let context = json!({
        "purpose": "forward_auth", "app": "wiki", "method": "GET", "path": "/edit", "ip": "192.0.2.7", "later": {"of": [1]},
    });
    let plugin = Harness::<Keys>::new(&json!({})).unwrap();
    let answer = plugin.resolve_token_in("context:", &context).unwrap();
    assert_eq!(answer.reply.unwrap()["metadata"], context);
    let answer = plugin.resolve_token_in("context:", &json!({})).unwrap();
    assert_eq!(answer.reply.unwrap()["metadata"], json!({}));
}

#[test]
fn neither_the_token_nor_its_holder_is_in_debug_output() {
    struct Spy;
    impl Plugin for Spy {
        type Config = Map<String, Value>;

        fn create(_alias: &str, _config: Self::Config, _log: Logger) -> Result<Self> {
            Ok(Self)
        }
    }
    impl TokenHandler for Spy {
        fn resolve_token(&self, _: &CallCtx<'_>, request: &TokenRequest<'_>) -> Result<TokenIdentity> {
            let identity = TokenIdentity::role_account("builds").fullname("Ada");
            Err(Error::fatal(format!("{request:?} {identity:?}")))
        }
    }
    impl Export for Spy {
        fn table() -> &'static vestibule_plugin_sdk::abi::Plugin {
            use vestibule_plugin_sdk::export::{StaticTable, Table};
            static TABLE: StaticTable = StaticTable(Table::<Spy>::new("spy", "1").resolve_token().finish());
            &TABLE.0
        }
    }
    let answer = Harness::<Spy>::new(&json!({})).unwrap().resolve_token("hunter2").unwrap();
    assert_eq!(answer.error.unwrap(), "TokenRequest(..) TokenIdentity(..)");
}
