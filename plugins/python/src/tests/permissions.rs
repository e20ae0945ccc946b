//! What `get_permissions` may answer, and what becomes of it.

use vestibule_plugin_sdk::abi::code;
use vestibule_plugin_sdk::{Value, json};

use super::stage::Stage;

/// Answers with whatever expression the service's name is.
const EVALUATES: &str = "import collections, datetime, decimal
def get_permissions(service, userid):
    return eval(service, globals(), {'service': service, 'userid': userid})
";

fn stage() -> Stage {
    Stage::new(EVALUATES, json!({}))
}

#[test]
fn a_dict_is_the_answer_as_json_writes_it() {
    let stage = stage();
    for (expression, expected) in [
        ("{}", json!({})),
        ("{'who': userid}", json!({"who": "u1"})),
        ("{'a': [1, 2.5, None, True], 'b': {'c': ()}}", json!({"a": [1, 2.5, null, true], "b": {"c": []}})),
        ("collections.OrderedDict(read=True)", json!({"read": true})),
        ("{7: 2, None: 3, True: 4}", json!({"7": 2, "null": 3, "true": 4})),
        (
            "{'grün': '\\u2028 \\x00 \\U0001f511', 'n': 2**64 - 1, 'm': -2**63}",
            json!({"grün": "\u{2028} \0 🔑", "n": u64::MAX, "m": i64::MIN}),
        ),
    ] {
        assert_eq!(stage.reply(expression), expected, "{expression}");
    }
}

#[test]
fn unusual_ids_and_services_arrive_as_they_are() {
    let stage =
        Stage::new("def get_permissions(service, userid): return {'s': service, 'u': userid}", json!({}));
    for text in ["", "grün 🔑", "a\0b", "\u{2028}\"\\\n", &"x".repeat(100_000)] {
        let answer = stage.permissions(text, text);
        // The answer of the harness is the reply that a host would get; the host's own limit comes after it.
        assert_eq!(answer.reply, Some(json!({"s": text, "u": text})), "{:?}", answer.error);
    }
}

#[test]
fn none_is_no_opinion() {
    let answer = stage().permissions("None", "u1");
    assert_eq!((answer.code, answer.reply, answer.error), (code::NO_OPINION, None, None));
}

#[test]
fn whatever_is_no_json_object_is_a_failure_that_says_why() {
    let stage = stage();
    for (expression, reason) in [
        ("['read']", "of type list, not dict"),
        ("True", "of type bool, not dict"),
        ("'{}'", "of type str, not dict"),
        ("collections.UserDict()", "of type UserDict, not dict"),
        ("{'a': float('nan')}", "float values are not JSON"),
        ("{'a': 1e999}", "float values are not JSON"),
        ("{'a': datetime.datetime.now()}", "datetime"),
        ("{'a': decimal.Decimal(1)}", "Decimal"),
        ("{'a': {1, 2}}", "set"),
        ("{'a': b'x'}", "bytes"),
        ("{('a', 'b'): 1}", "tuple"),
        ("{1: 'a', '1': 'b'}", "two keys become the same text"),
        ("{'a': 2**64}", "an integer does not fit into 64 bits"),
        ("{'a': '\\ud800'}", "half of a surrogate pair"),
        ("(lambda d: d.update(d=d) or d)({})", "Circular reference"),
        (
            "eval('[' * 80 + ']' * 80) and {'a': eval('[' * 80 + ']' * 80)} or {'a': eval('[' * 70 + ']' * 70)}",
            "levels deep",
        ),
        ("{'a': 'x' * 2000000}", "bytes, of which"),
    ] {
        let answer = stage.permissions(expression, "u1");
        assert_eq!((answer.code, &answer.reply), (code::FATAL, &None), "{expression}");
        let error = answer.error.unwrap();
        assert!(error.starts_with("the answer of get_permissions cannot be used: "), "{error}");
        assert!(error.contains(reason), "{expression}: {error}");
    }
    assert_eq!(stage.reply("{'still': 'here'}"), json!({"still": "here"}));
}

#[test]
fn an_exception_is_a_failure_and_its_traceback_goes_to_the_log() {
    let source = "SECRET = 'hunter2'
def find(key):
    return {}[key]
def get_permissions(service, userid):
    try:
        return find(userid)
    except KeyError as error:
        raise RuntimeError('no such user') from error
";
    let stage = Stage::new(source, json!({}));
    let answer = stage.permissions("billing", "u1");
    assert_eq!((answer.code, answer.reply), (code::FATAL, None));
    let place = stage.folder.path().join("acme/access.py");
    let frame = format!("{}:8 in get_permissions", place.display());
    assert_eq!(answer.error.unwrap(), format!("get_permissions raised RuntimeError: no such user ({frame})"));
    let (_, _, details) =
        stage.plugin.log().into_iter().find(|line| line.1 == "the module raised an exception").unwrap();
    let details: Value = details.parse().unwrap();
    let expected = json!({
        "function": "get_permissions", "type": "RuntimeError", "message": "no such user", "frames": [frame],
        "causes": ["KeyError"],
    });
    assert_eq!(details, expected);
    let log = format!("{:?}", stage.plugin.log());
    assert!(!log.contains("hunter2") && !log.contains("raise "), "neither values nor source: {log}");
}

#[test]
fn exceptions_that_pass_are_named_by_the_operator() {
    let source = "class OperationalError(Exception): pass
class Away(OperationalError): pass
def get_permissions(service, userid):
    raise {'own': OperationalError, 'derived': Away, 'builtin': ConnectionResetError, 'other': ValueError}[service]('x' * 10000)
";
    let (retry, fatal) = (code::RETRY, code::FATAL);
    for (names, codes) in [
        (json!({}), [retry, retry, fatal, fatal]),
        (json!({"retry_on": []}), [fatal; 4]),
        (json!({"retry_on": ["acme.access.Away", "OSError"]}), [fatal, retry, retry, fatal]),
        (json!({"retry_on": ["elsewhere.Away", "Exception"]}), [retry; 4]),
    ] {
        let stage = Stage::new(source, names.clone());
        for (service, code) in ["own", "derived", "builtin", "other"].into_iter().zip(codes) {
            let answer = stage.fails_with(service, "get_permissions raised");
            assert_eq!(answer.code, code, "{names} {service}: {answer:?}");
            assert!(answer.error.unwrap().len() < 1000, "a long text is cut");
        }
    }
}

#[test]
fn what_would_end_a_program_ends_only_the_call() {
    let source = "import sys
def get_permissions(service, userid):
    if service == 'exit': sys.exit(3)
    if service == 'recursion': return get_permissions(service, userid)
    if service == 'interrupt': raise KeyboardInterrupt
    if service == 'odd': raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})
    return {'read': True}
";
    let stage = Stage::new(source, json!({}));
    for (service, kind) in [
        ("exit", "SystemExit"),
        ("recursion", "RecursionError"),
        ("interrupt", "KeyboardInterrupt"),
        ("odd", "Odd"),
    ] {
        let answer = stage.permissions(service, "u1");
        assert_eq!(answer.code, code::FATAL);
        let error = answer.error.unwrap();
        assert!(error.starts_with(&format!("get_permissions raised {kind}")), "{error}");
        assert_eq!(stage.reply("billing"), json!({"read": true}));
    }
}

#[test]
fn answers_may_be_used_again_for_as_long_as_the_operator_says() {
    let source = "def get_permissions(service, userid): return {} if service == 'known' else None";
    for (seconds, ttl) in [(0, None), (90, Some(90))] {
        let stage = Stage::new(source, json!({"cache_seconds": seconds}));
        assert_eq!(stage.permissions("known", "u1").ttl.map(|ttl| ttl.as_secs()), ttl);
        assert_eq!(stage.permissions("unknown", "u1").ttl, None, "only an answer is kept");
    }
}
