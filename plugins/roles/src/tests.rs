//! Through the table that a host reads.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use vestibule_plugin_sdk::{abi::code, json, testing::Harness};

use super::*;

fn plugin(config: &Value) -> Harness<Roles> {
    Harness::new(config).unwrap_or_else(|answer| panic!("{answer:?}"))
}

/// What keeps a plugin with this configuration from starting.
fn refusal(config: &Value) -> String {
    let answer = Harness::<Roles>::new(config).err().unwrap_or_else(|| panic!("{config} is taken"));
    assert_eq!(answer.code, code::FATAL);
    answer.error.unwrap()
}

/// Somebody with two verified addresses, an unverified one, and identities at two providers.
fn ada() -> Value {
    json!({
        "user": {"id": "u1"},
        "verified_emails": ["Ada@Example.org", "ada@work.example"],
        "identities": [
            {"provider_id": "github:42", "issuer": "https://github.com", "subject": "42", "login": "ada",
             "email": "boss@corp.example", "email_verified": false, "claims": {},
             "organizations": [{"id": 9_000_001, "login": "Acme", "login_is_unique": true},
                 {"id": 9_000_002, "login": "taken-up", "login_is_unique": false}]},
            {"provider_id": "corporate:7", "issuer": "https://id.example", "subject": "7",
             "email": "ada@work.example", "email_verified": true, "organizations": [],
             "claims": {"groups": ["admins", "staff"], "hd": "work.example", "level": 7, "ok": true,
                        "realm_access": {"roles": ["keeper"]}, "https://app.example/roles": "reader", "a.b": 1, "a": {"b": 2}}},
        ],
        "roles": [],
    })
}

fn asked(plugin: &Harness<Roles>, context: &Value) -> Value {
    let answer = plugin.get_permissions_in("storage", context).unwrap();
    assert_eq!(answer.code, code::OK, "{answer:?}");
    answer.reply.unwrap()
}

/// The permissions of Ada under one rule that gives the role Reader.
fn under(subject: &Value) -> Value {
    let mut rule = json!({"name": "the rule", "roles": ["Reader"]});
    rule.as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
    asked(&plugin(&json!({"rules": [rule]})), &ada())
}

#[test]
fn every_kind_of_rule_applies_to_those_whom_it_means() {
    for subject in [
        json!({"user": "u1"}),
        json!({"email": "ADA@example.ORG"}),
        json!({"domain": "example.org"}),
        json!({"domain": "WORK.example"}),
        json!({"organization": "acme"}),
        json!({"organization": 9_000_001}),
        json!({"organization": "9000002"}),
        json!({"claim": {"name": "groups", "value": "admins"}}),
        json!({"claim": {"provider": "corporate", "name": "hd", "value": "work.example"}}),
        json!({"claim": {"name": "level", "value": 7}}),
        json!({"claim": {"name": "ok", "value": true}}),
        json!({"claim": {"name": "realm_access.roles", "value": "keeper"}}),
        json!({"claim": {"name": "https://app.example/roles", "value": "reader"}}),
        json!({"claim": {"name": "a.b", "value": 1}}),
    ] {
        assert_eq!(under(&subject), json!({"read": true}), "{subject}");
    }
}

#[test]
fn no_rule_applies_to_anybody_else() {
    for subject in [
        json!({"user": "U1"}),
        json!({"user": "u"}),
        json!({"email": "da@example.org"}),
        json!({"email": "ada@example.or"}),
        json!({"domain": "sub.example.org"}),
        json!({"domain": "ample.org"}),
        json!({"domain": "org"}),
        json!({"organization": "acme-evil"}),
        json!({"organization": 9_000_003}),
        json!({"claim": {"name": "groups", "value": "admin"}}),
        json!({"claim": {"name": "groups", "value": "Admins"}}),
        json!({"claim": {"provider": "google", "name": "groups", "value": "admins"}}),
        json!({"claim": {"name": "level", "value": "7"}}),
        json!({"claim": {"name": "absent", "value": "x"}}),
        json!({"claim": {"name": "a.b", "value": 2}}),
        json!({"claim": {"name": "realm_access", "value": "keeper"}}),
        json!({"claim": {"name": "realm_access.roles.keeper", "value": "keeper"}}),
    ] {
        assert_eq!(under(&subject), json!({}), "{subject}");
    }
}

#[test]
fn c18_with_a_provider_only_what_that_provider_states_counts() {
    for (provider, subject, applies) in [
        ("corporate", json!({"user": "u1"}), true),
        ("google", json!({"user": "u1"}), false),
        ("corporate", json!({"email": "ada@work.example"}), true),
        ("github", json!({"email": "ada@work.example"}), false),
        ("github", json!({"email": "boss@corp.example"}), false),
        ("corporate", json!({"domain": "work.example"}), true),
        ("github", json!({"domain": "work.example"}), false),
        // Verified, but by an identity that is not among them.
        ("corporate", json!({"email": "ada@example.org"}), false),
        ("github", json!({"organization": 9_000_001}), true),
        ("corporate", json!({"organization": 9_000_001}), false),
        ("corporate", json!({"claim": {"name": "groups", "value": "admins"}}), true),
        ("github", json!({"claim": {"name": "groups", "value": "admins"}}), false),
    ] {
        let mut rule = subject.clone();
        rule["provider"] = provider.into();
        let expected = if applies { json!({"read": true}) } else { json!({}) };
        assert_eq!(under(&rule), expected, "{rule}");
    }
}

/// Whoever takes up a login that was given up is another organization.
#[test]
fn c4_a_login_that_has_changed_hands_brings_no_role() {
    assert_eq!(under(&json!({"organization": "taken-up"})), json!({}));
}

#[test]
fn c1_an_unverified_address_brings_no_role() {
    assert_eq!(under(&json!({"email": "boss@corp.example"})), json!({}));
    assert_eq!(under(&json!({"domain": "corp.example"})), json!({}));
}

#[test]
fn the_usual_roles_are_there_when_none_are_defined() {
    let scopes = |role: &str| asked(&plugin(&json!({"default_roles": [role]})), &ada());
    assert_eq!(scopes("Reader"), json!({"read": true}));
    assert_eq!(scopes("Writer"), json!({"write": true}));
    assert_eq!(scopes("Moderator"), json!({"read": true, "write": true}));
    assert_eq!(scopes("Administrator"), json!({"read": true, "write": true, "execute": true}));
    assert_eq!(asked(&plugin(&json!({})), &ada()), json!({}));
}

#[test]
fn whoever_defines_roles_defines_all_of_them() {
    let config = json!({"roles": {"Guest": []}, "default_roles": ["Reader"]});
    assert!(refusal(&config).contains("default_roles: there is no role \"Reader\""));
}

#[test]
fn a_list_names_roles_and_scopes_each_once_and_sorted() {
    let config = json!({"format": "list", "default_roles": ["Writer", "Reader"],
        "rules": [{"name": "x", "user": "u1", "roles": ["Moderator"]}]});
    let expected = json!({"roles": ["Moderator", "Reader", "Writer"], "scopes": ["read", "write"]});
    assert_eq!(asked(&plugin(&config), &ada()), expected);
    assert_eq!(asked(&plugin(&json!({"format": "list"})), &ada()), json!({"roles": [], "scopes": []}));
}

#[test]
fn a_rule_of_some_services_counts_at_those_alone() {
    let config =
        json!({"rules": [{"name": "x", "user": "u1", "roles": ["Reader"], "services": ["storage", "b"]}]});
    let plugin = plugin(&config);
    assert_eq!(asked(&plugin, &ada()), json!({"read": true}));
    assert_eq!(plugin.get_permissions_in("other", &ada()).unwrap().reply, Some(json!({})));
}

fn assigned(roles: Value) -> Value {
    let mut context = ada();
    context["roles"] = roles;
    context
}

#[test]
fn assigned_roles_count_unless_the_operator_says_no() {
    let context = assigned(json!([
        {"role": "Writer", "because": "user u1"},
        {"role": "Reader", "service": "storage", "because": "email ada@example.org"},
        {"role": "Administrator", "service": "elsewhere", "because": "user u1"},
    ]));
    assert_eq!(asked(&plugin(&json!({})), &context), json!({"read": true, "write": true}));
    assert_eq!(asked(&plugin(&json!({"database": false})), &context), json!({}));
}

#[test]
fn an_assigned_role_that_is_not_defined_gives_nothing_and_is_logged_once() {
    let context =
        assigned(json!([{"role": "Wirter", "because": "user u1"}, {"role": "Reader", "because": "user u1"}]));
    let plugin = plugin(&json!({}));
    for _ in 0..3 {
        assert_eq!(asked(&plugin, &context), json!({"read": true}));
    }
    let lines: Vec<_> = plugin.log().into_iter().map(|(_, message, _)| message).collect();
    assert_eq!(lines, ["the role \"Wirter\" is assigned in the database and not defined; it gives nothing"]);
}

#[test]
fn an_explanation_says_which_rule_gave_what() {
    let config = json!({"default_roles": ["Reader"], "rules": [
        {"name": "owners", "email": "ada@example.org", "roles": ["Moderator"]},
        {"name": "nobody", "user": "u2", "roles": ["Administrator"]},
        {"name": "acme people", "organization": "acme", "roles": ["Writer"]},
        {"name": "admins", "claim": {"name": "groups", "value": "admins"}, "roles": ["Writer"]},
        {"name": "the domain", "domain": "work.example", "roles": ["Writer"]},
    ]});
    let context = assigned(json!([
        {"role": "Writer", "service": "storage", "because": "email domain example.org"},
        {"role": "Odd", "because": "user u1"},
    ]));
    let explained = plugin(&config).explain_in("storage", &context).unwrap().reply.unwrap();
    let write = json!({"Writer": ["write"]});
    let because = json!([
        {"rule": "default_roles", "gave": {"Reader": ["read"]}, "text": "Everybody who is signed in has it."},
        {"rule": "owners", "gave": {"Moderator": ["read", "write"]}, "text": "The address Ada@Example.org is verified."},
        {"rule": "acme people", "gave": write, "text": "github:42 belongs to the organization Acme, number 9000001."},
        {"rule": "admins", "gave": write, "text": "The claim groups of corporate:7 is or holds \"admins\"."},
        {"rule": "the domain", "gave": write,
         "text": "The verified address ada@work.example is of the domain work.example."},
        {"rule": "database", "gave": write, "text": "Writer at storage is assigned to email domain example.org."},
        {"rule": "database", "gave": {},
         "text": "Odd at every service is assigned to user u1. No such role is defined."},
    ]);
    assert_eq!(explained, json!({"permissions": {"read": true, "write": true}, "because": because}));
}

#[test]
fn an_answer_is_used_again_only_where_the_operator_says_so() {
    let ttl = |config: &Value| plugin(config).get_permissions_in("storage", &ada()).unwrap().ttl;
    assert_eq!(ttl(&json!({})), None);
    assert_eq!(ttl(&json!({"cache_seconds": 60})), Some(Duration::from_secs(60)));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_the_name_of_the_rule() {
    let rule = |rule: Value| json!({"rules": [rule]});
    for (config, reason) in [
        (json!({"rulez": []}), "unknown field `rulez`"),
        (json!({"format": "xml"}), "unknown variant `xml`"),
        (json!({"cache_seconds": -1}), "expected u64"),
        (json!({"file": "/x", "database": true}), "stand in the file"),
        (json!({"default_roles": ["Boss"]}), "default_roles: there is no role \"Boss\""),
        (json!({"roles": {"": ["read"]}}), "a role or one of its scopes"),
        (json!({"roles": {"Reader": ["re\nad"]}}), "a role or one of its scopes"),
        (rule(json!({"name": "", "user": "u", "roles": ["Reader"]})), "rule number 1 has no name"),
        (rule(json!({"name": "r", "roles": ["Reader"]})), "\"r\": a rule has exactly one of"),
        (rule(json!({"name": "r", "user": "u", "domain": "d", "roles": ["Reader"]})), "exactly one of"),
        (rule(json!({"name": "r", "user": "u", "roles": []})), "\"r\": a rule gives at least one role"),
        (rule(json!({"name": "r", "user": "u", "roles": ["Boss"]})), "\"r\": there is no role \"Boss\""),
        (
            rule(json!({"name": "r", "user": "u", "roles": ["Reader"], "services": []})),
            "\"r\": services is empty",
        ),
        (
            rule(json!({"name": "r", "user": " u", "roles": ["Reader"]})),
            "\"r\": the user is empty, or has spaces",
        ),
        (rule(json!({"name": "r", "email": "example.org", "roles": ["Reader"]})), "of the form local@domain"),
        (rule(json!({"name": "r", "email": "a@b@c", "roles": ["Reader"]})), "of the form local@domain"),
        (rule(json!({"name": "r", "domain": "@example.org", "roles": ["Reader"]})), "behind the @"),
        (rule(json!({"name": "r", "domain": "*.example.org", "roles": ["Reader"]})), "behind the @"),
        (rule(json!({"name": "r", "organization": "", "roles": ["Reader"]})), "the organization is empty"),
        (
            rule(json!({"name": "r", "claim": {"name": "g", "value": []}, "roles": ["Reader"]})),
            "value of a claim",
        ),
        (rule(json!({"name": "r", "claim": {"name": "g"}, "roles": ["Reader"]})), "missing field `value`"),
        (
            rule(json!({"name": "r", "organization": -1, "roles": ["Reader"]})),
            "the number of an organization",
        ),
        (
            rule(
                json!({"name": "r", "provider": "a", "claim": {"provider": "a", "name": "g", "value": "x"}, "roles": ["Reader"]}),
            ),
            "in the rule and in its claim",
        ),
    ] {
        let refusal = refusal(&config);
        assert!(refusal.contains(reason), "{config}: {refusal}");
    }
    let twice = json!({"rules": [{"name": "r", "user": "u", "roles": ["Reader"]}, {"name": "r", "user": "v", "roles": ["Reader"]}]});
    assert!(refusal(&twice).contains("\"r\": two rules have this name"));
}

#[test]
fn a_file_is_read_and_its_absence_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roles.toml");
    let config = json!({"file": file});
    assert!(refusal(&config).contains("roles.toml: cannot be read: "));
    let text = "database = false\n[roles]\nGuest = [\"look\"]\n[[rules]]\nname = \"all of work\"\n\
        domain = \"work.example\"\nroles = [\"Guest\"]\nservices = [\"storage\"]\n\
        [[rules]]\nname = \"claim\"\nclaim = { name = \"level\", value = 8 }\nroles = [\"Guest\"]\n";
    fs::write(&file, text).unwrap();
    let plugin = plugin(&config);
    assert_eq!(asked(&plugin, &ada()), json!({"look": true}));
    assert_eq!(plugin.health().unwrap().code, code::OK);
}

/// The second block of the README is a file, the third and fourth are the answers for Ada.
#[test]
fn the_example_of_the_readme_answers_as_it_says() {
    let blocks: Vec<&str> = include_str!("../README.md").split("```").skip(1).step_by(2).collect();
    let body = |number: usize| blocks[number].split_once('\n').unwrap().1;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roles.toml");
    fs::write(&file, body(1)).unwrap();
    let context = json!({"user": {"id": "u1"}, "verified_emails": ["ada@example.org"]});
    for (format, number) in [("scopes", 2), ("list", 3)] {
        let expected: Value = body(number).parse().unwrap();
        assert_eq!(asked(&plugin(&json!({"file": file, "format": format})), &context), expected);
    }
}

#[test]
fn the_schema_is_json_and_knows_every_setting() {
    let schema: Value = include_str!("../schema.json").parse().unwrap();
    assert_eq!(schema["title"], "roles");
    let known = |place: &Value| place["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let error = refusal(&json!({"?": 1}));
    assert!(known(&schema).iter().all(|setting| error.contains(&format!("`{setting}`"))), "{error}");
    let error = refusal(&json!({"rules": [{"?": 1}]}));
    assert!(
        known(&schema["$defs"]["rule"]).iter().all(|member| error.contains(&format!("`{member}`"))),
        "{error}"
    );
}

fn label() -> impl Strategy<Value = String> {
    "[a-z]{1,3}(\\.[a-z]{1,3}){0,2}"
}

proptest! {
    #[test]
    fn a_domain_rule_applies_exactly_to_addresses_of_that_domain(rule in label(), domain in label()) {
        let config = json!({"rules": [{"name": "r", "domain": rule, "roles": ["Reader"]}]});
        let context = json!({"user": {"id": "u"}, "verified_emails": [format!("x@{domain}")]});
        let expected = if rule == domain { json!({"read": true}) } else { json!({}) };
        prop_assert_eq!(asked(&plugin(&config), &context), expected);
    }

    #[test]
    fn both_formats_and_the_reasons_agree(
        table in prop::collection::btree_map("[A-C]", prop::collection::vec("[a-d]", 0..3), 3),
        given in prop::collection::vec("[A-C]", 0..4),
    ) {
        let roles: Vec<Value> = given.iter().map(|role| json!({"role": role, "because": "user u"})).collect();
        let context = json!({"user": {"id": "u"}, "roles": roles});
        let with = |format: &str| plugin(&json!({"roles": table, "format": format}));
        let scopes = asked(&with("scopes"), &context);
        let list = asked(&with("list"), &context);
        let names: Vec<&String> = scopes.as_object().unwrap().keys().collect();
        prop_assert_eq!(&list["scopes"], &json!(names));
        let expected: BTreeSet<&String> = given.iter().filter_map(|role| table.get(role)).flatten().collect();
        prop_assert_eq!(&names, &expected.into_iter().collect::<Vec<_>>());
        let explained = with("list").explain_in("storage", &context).unwrap().reply.unwrap();
        prop_assert_eq!(&explained["permissions"], &list);
        prop_assert_eq!(explained["because"].as_array().unwrap().len(), given.len());
    }

    #[test]
    fn no_file_makes_the_reader_panic(text in "\\PC{0,200}") {
        drop(config::RuleSet::parse(&text).map(policy::Policy::new));
    }
}
