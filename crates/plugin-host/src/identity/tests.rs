use proptest::prelude::*;
use serde_json::json;

use super::fuzzing::assert_sound;
use super::*;

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("{value}") };
    object
}

fn read(value: Value) -> Result<TokenIdentity, FailureKind> {
    TokenIdentity::read("keys", false, object(value))
}

fn fault(value: Value) -> BadIdentity {
    let said = value.to_string();
    match read(value) {
        Err(FailureKind::BadIdentity(fault)) => fault,
        other => panic!("{said}: {other:?}"),
    }
}

fn words(words: &[&str]) -> Scopes {
    Scopes::from_words(words.iter().copied()).unwrap()
}

fn role_account(id: &str) -> TokenHolder {
    TokenHolder::RoleAccount(UserId::parse(id).unwrap())
}

#[test]
fn a_whole_answer_is_read_and_other_members_are_kept() {
    let answer = json!({
        "uid": "builds", "roleaccount": true, "fullname": "The\u{202e} builds", "email": "builds@example.org",
        "services": ["storage", "no such", "Vestibule", "reports"], "scopes": ["read", "permissions"],
        "committees": ["httpd"], "metadata": {"team": "core", "committees_of": 1},
    });
    let read = read(answer).unwrap();
    assert_eq!((read.handler.as_str(), read.holder), ("keys", role_account("keys:builds")));
    assert_eq!(read.name.unwrap().as_str(), "The builds");
    assert_eq!(read.email.unwrap().as_str(), "builds@example.org");
    assert_eq!(read.services.unwrap(), Services::parse("reports storage").unwrap());
    assert_eq!(read.scopes, words(&["read", "permissions", "profile"]));
    assert_eq!(
        Value::from(read.metadata),
        json!({"team": "core", "committees_of": 1, "committees": ["httpd"]})
    );
}

#[test]
fn an_answer_may_be_an_id_and_nothing_else() {
    let bare = read(json!({"uid": "u"})).unwrap();
    assert_eq!((bare.holder.clone(), bare.services.clone()), (role_account("keys:u"), None));
    assert_eq!(bare.scopes, words(&["profile"]));
    let nulls = json!({"uid": "u", "fullname": null, "email": "", "services": null, "scopes": null, "metadata": null});
    assert!(read(nulls).unwrap() == bare);
}

#[test]
fn without_scopes_the_words_of_the_metadata_count() {
    for (metadata, scopes) in [
        (json!({"scope": ["scopeA", "scopeB", 7, "no scope", ""]}), words(&["scopeA", "scopeB", "profile"])),
        (json!({"scope": "scopeA  scopeB"}), words(&["scopeA", "scopeB", "profile"])),
        (json!({"scope": {"scopeA": true}}), words(&["profile"])),
    ] {
        assert_eq!(read(json!({"uid": "u", "metadata": metadata})).unwrap().scopes, scopes, "{metadata}");
    }
    let none = json!({"uid": "u", "scopes": [], "metadata": {"scope": ["scopeA"]}});
    assert_eq!(read(none).unwrap().scopes, words(&["profile"]), "none are none");
}

#[test]
fn services_are_named_or_all() {
    assert_eq!(read(json!({"uid": "u", "services": ["*"]})).unwrap().services, Some(Services::Every));
    let none = Some(Services::default());
    assert_eq!(read(json!({"uid": "u", "services": []})).unwrap().services, none, "none are none");
    assert_eq!(fault(json!({"uid": "u", "services": ["*", "storage"]})), BadIdentity::Services);
}

#[test]
fn h11_what_judges_the_tokens_of_others_is_not_lent() {
    let answer = json!({"uid": "u", "scopes": ["introspect", "oauth1:verify", "read"]});
    assert_eq!(read(answer).unwrap().scopes, words(&["read", "profile"]));
}

#[test]
fn h11_a_person_is_named_by_a_handler_that_may_and_in_so_many_words() {
    let answer = json!({"uid": "u1", "roleaccount": false});
    assert_eq!(read(answer.clone()), Err(FailureKind::MayNotNameUsers));
    let person = TokenIdentity::read("keys", true, object(answer)).unwrap();
    assert_eq!(person.holder, TokenHolder::Person(UserId::parse("u1").unwrap()));
    for odd in [json!("yes"), json!("false"), json!(1), json!(null), json!([])] {
        let answer = json!({"uid": "u1", "roleaccount": odd});
        let read = TokenIdentity::read("keys", true, object(answer));
        assert_eq!(read, Err(BadIdentity::RoleAccount.into()), "{odd}");
    }
    let existing = TokenIdentity::read("keys", true, object(json!({"uid": "u1"}))).unwrap();
    assert_eq!(existing.holder, role_account("keys:u1"), "without a word it is no person");
}

#[test]
fn h11_whatever_else_is_no_answer() {
    for uid in [json!("a\r\nX-Auth-User: root"), json!("a b"), json!("ä"), json!(""), json!(7), json!(null)]
    {
        assert_eq!(fault(json!({"uid": uid})), BadIdentity::Uid, "{uid}");
    }
    assert_eq!(fault(json!({})), BadIdentity::Uid);
    assert_eq!(fault(json!({"uid": "x".repeat(124)})), BadIdentity::Uid, "too long with its alias");
    assert!(read(json!({"uid": "x".repeat(123)})).is_ok());
    for (member, odd, expected) in [
        ("fullname", json!(1), BadIdentity::Name),
        ("email", json!("nobody"), BadIdentity::Email),
        ("email", json!("a@b.example\r\nX: y"), BadIdentity::Email),
        ("email", json!(["a@b.example"]), BadIdentity::Email),
        ("services", json!("storage"), BadIdentity::Services),
        ("services", json!([1]), BadIdentity::Services),
        ("scopes", json!("read write"), BadIdentity::Scopes),
        ("scopes", json!(["re ad"]), BadIdentity::Scopes),
        ("scopes", json!(["a,b"]), BadIdentity::Scopes),
        ("scopes", json!(["x".repeat(65)]), BadIdentity::Scopes),
        ("scopes", (0..50).map(|n| format!("s{n}")).collect(), BadIdentity::TooManyScopes),
        ("metadata", json!([]), BadIdentity::Metadata),
    ] {
        assert_eq!(fault(json!({"uid": "u", member: odd})), expected, "{member}: {odd}");
    }
    let many: Vec<_> = (0..49).map(|n| format!("s{n}")).collect();
    assert_eq!(read(json!({"uid": "u", "scopes": many})).unwrap().scopes.len(), 50);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,70}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("*")),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn h11_any_answer_is_refused_or_fit_for_a_header(
        uid in prop_oneof![any_value(), "[!-~]{1,130}".prop_map(Value::from)],
        members in prop::collection::btree_map(
            prop_oneof![
                Just("roleaccount".to_owned()), Just("services".to_owned()), Just("scopes".to_owned()),
                Just("metadata".to_owned()), Just("fullname".to_owned()), "[a-z]{1,6}",
            ],
            any_value(),
            0..5,
        ),
        may_name_users in any::<bool>(),
    ) {
        let mut object: Map<String, Value> = members.into_iter().collect();
        object.insert("uid".to_owned(), uid);
        assert_sound(may_name_users, &object);
    }
}
