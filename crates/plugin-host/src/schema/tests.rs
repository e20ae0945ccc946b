use super::*;
use serde_json::json;

const SAMPLE: &str = include_str!("../../../../plugins/sample-permissions/schema.json");
/// Stands in every place of a configuration where a secret could be.
const CANARY: &str = "canary-hunter2";

fn check(schema: &Value, config: &Value) -> Result<(), SchemaFault> {
    validate(&schema.to_string(), config.as_object().unwrap())
}

fn violations(schema: &Value, config: &Value) -> Vec<String> {
    match check(schema, config) {
        Err(SchemaFault::Violations { listed, .. }) => listed.iter().map(ToString::to_string).collect(),
        other => panic!("{schema} {other:?}"),
    }
}

fn useless(schema: &Value) -> String {
    match check(schema, &json!({})) {
        Err(SchemaFault::NotASchema(reason)) => reason,
        other => panic!("{schema} {other:?}"),
    }
}

#[test]
fn no_schema_accepts_everything() {
    for none in ["", " \n"] {
        assert_eq!(validate(none, json!({"a": [1]}).as_object().unwrap()), Ok(()));
    }
    assert_eq!(check(&json!({}), &json!({"a": 1})), Ok(()));
}

#[test]
fn the_sample_s_schema_accepts_what_the_sample_accepts() {
    let schema: Value = SAMPLE.parse().unwrap();
    for good in [json!({}), json!({"permission": "admin"}), json!({"permission": "admin", "granted": true})] {
        assert_eq!(check(&schema, &good), Ok(()), "{good}");
    }
    for (bad, expected) in [
        (json!({"granted": true}), "config must have \"permission\" because it has \"granted\""),
        (json!({"permission": ""}), "config/permission must have at least 1 character"),
        (json!({"permission": "provider-token"}), "config/permission must not be what the schema excludes"),
        (json!({"permission": 7}), "config/permission must be string"),
        (json!({"permision": "x"}), "config must not have \"permision\""),
    ] {
        assert_eq!(violations(&schema, &bad), [expected], "{bad}");
    }
}

#[test]
fn every_violation_is_named_by_its_place() {
    let schema = json!({"properties": {
        "a": {"items": {"properties": {"b/c": {"type": ["integer", "null"]}}}},
        "d": {"required": ["e", "f"]},
        "g": {"maximum": 9},
    }});
    let config = json!({"a": [{}, {"b/c": "x"}], "d": {"f": 1}, "g": 10});
    let mut found = violations(&schema, &config);
    found.sort();
    let expected =
        ["config/a/1/b~1c must be null or integer", "config/d must have \"e\"", "config/g must be at most 9"];
    assert_eq!(found, expected);
}

#[test]
fn n1_no_fault_shows_what_the_configuration_holds() {
    let cases = [
        json!({"type": "integer"}),
        json!({"enum": ["a", "b"]}),
        json!({"const": "a"}),
        json!({"pattern": "^[0-9]+$"}),
        json!({"minLength": 100}),
        json!({"maxLength": 1}),
        json!({"not": {"type": "string"}}),
        json!({"anyOf": [{"type": "null"}, {"pattern": "^x"}, {"enum": [1]}]}),
        json!({"oneOf": [{"type": "string"}, {"minLength": 1}]}),
        json!({"allOf": [{"$ref": "#/$defs/n"}]}),
        json!({"if": {"type": "string"}, "then": {"const": "a"}}),
        json!(false),
    ];
    for case in cases {
        let places = json!({
            "secret": case, "list": {"items": case}, "deep": {"additionalProperties": case},
        });
        let schema = json!({"properties": places, "$defs": {"n": {"const": 1}}});
        let config = json!({"secret": CANARY, "list": [CANARY], "deep": {"key": CANARY}});
        let fault = check(&schema, &config).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains("canary"), "{fault:?}");
        assert!(fault.to_string().contains("config/secret "), "{fault}");
    }
    let draft_7 = "http://json-schema.org/draft-07/schema#";
    for (schema, secret) in [
        (json!({"$schema": draft_7, "properties": {"secret": {"format": "date"}}}), json!(CANARY)),
        (json!({"properties": {"secret": {"contains": {"const": 1}}}}), json!([CANARY])),
        (json!({"properties": {"secret": {"uniqueItems": true}}}), json!([CANARY, CANARY])),
        (json!({"properties": {"secret": {"prefixItems": [true], "items": false}}}), json!([1, CANARY])),
    ] {
        let fault = check(&schema, &json!({ "secret": secret })).unwrap_err();
        assert!(!format!("{fault:?}").contains("canary"), "{fault:?}");
    }
}

#[test]
fn names_of_members_may_be_shown_and_are_cut() {
    let closed = json!({"additionalProperties": false});
    assert_eq!(violations(&closed, &json!({"a\nb": CANARY})), ["config must not have \"a\\nb\""]);
    let long = violations(&closed, &json!({"x".repeat(10_000): 1}));
    assert!(long[0].len() < 1_000, "{}", long[0].len());
    let odd = json!({"propertyNames": {"pattern": "^[a-z]+$"}});
    assert_eq!(violations(&odd, &json!({"A": CANARY})), ["config must not have a member named \"A\""]);
}

#[test]
fn alternatives_are_told_together() {
    let schema = json!({"properties": {"a": {"anyOf": [{"type": "null"}, {"required": ["b"]}]}}});
    assert_eq!(violations(&schema, &json!({"a": {}})), ["config/a must be null; or must have \"b\""]);
}

#[test]
fn at_most_eight_violations_are_listed_and_the_others_counted() {
    let config: Map<String, Value> = (0..100).map(|n| (format!("k{n}"), n.into())).collect();
    let fault = check(&json!({"additionalProperties": {"type": "string"}}), &config.into()).unwrap_err();
    let text = fault.to_string();
    assert_eq!(text.matches("must be string").count(), LISTED);
    assert!(text.ends_with("; and 92 more"), "{text}");
}

#[test]
fn what_is_no_schema_is_refused_with_the_reason() {
    let fault = validate("{\"type\":", &Map::new()).unwrap_err();
    assert!(matches!(&fault, SchemaFault::NotJson(reason) if reason.contains("line 1")), "{fault}");
    assert!(useless(&json!({"type": "text"})).contains("schema/type"));
    assert!(useless(&json!({"properties": []})).contains("schema/properties must be object"));
    assert!(useless(&json!(3)).contains("must be"));
    assert!(useless(&json!({"$ref": "#/$defs/absent"})).contains("absent"));
    assert!(useless(&json!({"$schema": "https://example.org/own"})).contains("https://example.org/own"));
    assert!(useless(&json!({"pattern": "(?=a)b"})).contains("without look-around"));
}

#[test]
fn nothing_is_fetched_for_a_reference() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("true.json");
    std::fs::write(&file, "true").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for target in [format!("file://{}", file.display()), format!("http://{address}/true.json")] {
        for schema in [json!({"$ref": target}), json!({"$id": target, "$ref": "other.json"})] {
            let reason = useless(&schema);
            assert!(reason.contains("other documents are not fetched"), "{reason}");
        }
    }
    let missed = listener.accept().expect_err("nobody has called");
    assert_eq!(missed.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn the_meta_schemas_of_all_drafts_are_known() {
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let schema = json!({"$schema": draft, "properties": {"a": {"type": "string"}}});
        assert_eq!(check(&schema, &json!({"a": "x"})), Ok(()), "{draft}");
        assert_eq!(violations(&schema, &json!({"a": 1})), ["config/a must be string"], "{draft}");
    }
}

#[test]
fn e4_a_pattern_that_could_back_track_for_ever_does_not() {
    let schema = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
    let config = json!({"a": format!("{}!", "a".repeat(100_000))});
    assert_eq!(violations(&schema, &config), ["config/a must match the pattern \"^(a+)+$\""]);
}

#[test]
fn e4_references_that_nest_for_thousands_of_levels_or_in_circles_end() {
    let levels = 2_000;
    let mut definitions: Map<String, Value> =
        (0..levels).map(|n| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1)}))).collect();
    definitions.insert(format!("d{levels}"), json!({"required": ["a"]}));
    let deep = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    assert_eq!(violations(&deep, &json!({})), ["config must have \"a\""]);
    assert!(check(&json!({"$ref": "#"}), &json!({})).is_err());
}

#[test]
fn e4_references_that_multiply_are_given_up() {
    let level = |n: usize| {
        let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
        (format!("d{n}"), json!({"allOf": [next, next]}))
    };
    let mut definitions: Map<String, Value> = (0..24).map(level).collect();
    definitions.insert("d24".to_owned(), json!({"type": "object"}));
    let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions}).to_string();
    let many_times = move || compile::compile(&schema)?.validate(&json!({}));
    assert_eq!(aside(Duration::from_millis(1), many_times), Err(SchemaFault::TooSlow));
}

#[test]
fn e3_a_comparison_that_breaks_down_is_a_fault_and_not_a_success() {
    assert_eq!(aside(TIME_LIMIT, || panic!("the validator panics")), Err(SchemaFault::Unchecked));
}
