//! Whom a token stands for, by a module.

use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::testing::Answer;
use vestibule_plugin_sdk::{Value, json};

use super::stage::{Stage, patiently};

/// The handler that asfquart's documentation shows, and the two lines that make a module of it.
const ASFQUART: &str = r#"
async def token_handler(token):
   if token == "abcdefg":
      return {
         "uid": "roleaccountthing",
         "roleaccount": True,
         "committees": ["httpd", "tomcat"],
         "metadata": {"scope": ["scopeA", "scopeB"]},
      }

def resolve_token(token, context):
    return token_handler(token)
"#;

fn resolve(stage: &Stage, token: &str) -> Answer {
    patiently(|| stage.plugin.resolve_token(token).unwrap())
}

#[test]
fn a_handler_of_asfquart_runs_as_it_is() {
    let stage = Stage::new(ASFQUART, json!({"cache_seconds": 30}));
    let answer = resolve(&stage, "abcdefg");
    let expected = json!({
        "uid": "roleaccountthing",
        "roleaccount": true,
        "committees": ["httpd", "tomcat"],
        "metadata": {"scope": ["scopeA", "scopeB"]},
    });
    assert_eq!((answer.code, answer.reply), (code::OK, Some(expected)), "{:?}", answer.error);
    assert_eq!(answer.ttl.map(|ttl| ttl.as_secs()), Some(30));
    for other in ["", "abcdef", "abcdefgh"] {
        let answer = resolve(&stage, other);
        assert_eq!((answer.code, answer.reply, answer.ttl), (code::NO_OPINION, None, None), "{other}");
    }
}

#[test]
fn a_module_is_told_token_and_context() {
    let source = "def resolve_token(token, context): return {'uid': 'u', 'metadata': {'token': token, 'context': context}}";
    let stage = Stage::new(source, json!({}));
    let context = json!({"purpose": "forward_auth", "app": "wiki", "method": "GET", "path": "/", "ip": "::1", "later": 1});
    let answer = patiently(|| stage.plugin.resolve_token_in("a\"b\\", &context).unwrap());
    let metadata = json!({"token": "a\"b\\", "context": context});
    assert_eq!(answer.reply, Some(json!({"uid": "u", "metadata": metadata})));
    assert_eq!(answer.ttl, None);
}

#[test]
fn h11_an_exception_says_nothing_of_the_token() {
    let source = "class OperationalError(Exception): pass
def resolve_token(token, context):
    if token.startswith('away'): raise OperationalError('no answer about %s' % token)
    return {}[token]
";
    let stage = Stage::new(source, json!({}));
    for (token, code, kind) in
        [("hunter2-hunter2", code::FATAL, "KeyError"), ("away-hunter2", code::RETRY, "OperationalError")]
    {
        let mut answer = stage.plugin.resolve_token(token).unwrap();
        while !answer.error.as_ref().is_some_and(|error| error.contains("raised")) {
            answer = stage.plugin.resolve_token(token).unwrap();
        }
        assert_eq!(answer.code, code);
        let error = answer.error.unwrap();
        assert!(error.starts_with(&format!("resolve_token raised {kind} (")), "{error}");
    }
    let log = format!("{:?}", stage.plugin.log());
    assert!(log.contains("KeyError") && !log.contains("hunter2"), "{log}");
}

#[test]
fn whatever_is_no_dict_is_a_failure() {
    let source = "import asyncio
async def raises(): raise ValueError('inside')
def resolve_token(token, context): return eval(token)";
    let stage = Stage::new(source, json!({}));
    for (expression, says) in [
        ("True", "of type bool, not dict"),
        ("'u'", "of type str, not dict"),
        ("asyncio.sleep(0,'u')", "of type str, not dict"),
        ("{'uid':float('nan')}", "not JSON"),
        ("raises()", "resolve_token raised ValueError"),
    ] {
        let answer = resolve(&stage, expression);
        assert_eq!((answer.code, answer.reply), (code::FATAL, None), "{expression}");
        assert!(answer.error.as_ref().unwrap().contains(says), "{expression}: {:?}", answer.error);
    }
    assert_eq!(resolve(&stage, "dict(uid='still-here')").reply, Some(json!({"uid": "still-here"})));
}

#[test]
fn a_module_without_the_function_fails_and_one_with_it_alone_is_whole() {
    let without = Stage::new("def get_permissions(service, userid): return {}", json!({}));
    let answer = resolve(&without, "abc");
    assert_eq!(answer.code, code::FATAL);
    assert!(answer.error.unwrap().contains("has no function resolve_token"));
    let alone = Stage::new("def resolve_token(token, context): return None", json!({}));
    let answer = alone.permissions("billing", "u1");
    assert_eq!((answer.code, answer.reply), (code::FATAL, None::<Value>));
}
