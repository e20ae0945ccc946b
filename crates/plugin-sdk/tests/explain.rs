//! Version 1.1 of the ABI through the table: reasons, and what is known of a person's identities.
#![cfg(test)]

use vestibule_plugin_sdk::abi::{code, flag};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{
    CallCtx, Error, Explain, Explanation, Logger, Map, OnNewUser, Patch, PermissionProvider,
    PermissionRequest, Plugin, Reason, Result, User, Value, export::Export, export::Table, export_plugin,
    json,
};

/// Gives every permission that an organisation, a domain or a role is named after.
struct Everything;

impl Plugin for Everything {
    type Config = Map<String, Value>;

    fn create(_alias: &str, _config: Self::Config, _log: Logger) -> Result<Self> {
        Ok(Self)
    }
}

impl Explain for Everything {
    fn explain(&self, _call: &CallCtx<'_>, request: &PermissionRequest<'_>) -> Result<Explanation> {
        let mut because = Vec::new();
        for identity in request.identities()? {
            let login = identity.login.clone().unwrap_or_default();
            for organization in &identity.organizations {
                because.push(Reason::new(
                    &organization.login,
                    json!([identity.claims]),
                    format!("{login} is in it"),
                ));
            }
        }
        for email in request.verified_emails()? {
            because.push(Reason::new(email, json!([]), "an address"));
        }
        for role in request.roles()?.into_iter().filter(|role| role.counts_at(request.service())) {
            because.push(Reason::new(role.role, json!([]), role.because));
        }
        let permissions = because.iter().map(|reason| (reason.rule.clone(), json!(true))).collect();
        Ok(Explanation { permissions, because })
    }
}

impl PermissionProvider for Everything {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        if request.service() == "closed" {
            return Err(Error::retry("closed"));
        }
        self.explain(call, request).map(|explanation| explanation.permissions)
    }
}

export_plugin!(Everything: permissions, explain, identities);

fn made() -> Harness<Everything> {
    Harness::new(&json!({})).unwrap()
}

fn context() -> Value {
    json!({
        "user": {"id": "u1"},
        "verified_emails": ["ada@example.org"],
        "identities": [
            {"provider_id": "github:42", "issuer": "https://github.com", "subject": "42", "login": "ada",
             "email": "ada@example.org", "email_verified": true, "claims": {"hd": "x"}, "organizations": [{"id": 9_000_001, "login": "acme"}],
             "from_a_later_host": [1]},
            {"provider_id": "google:7"},
        ],
        "roles": [
            {"role": "Reader", "because": "user u1", "from_a_later_host": 1},
            {"role": "Writer", "service": "storage", "because": "user u1"},
        ],
        "from_a_later_host": {},
    })
}

#[test]
fn reasons_go_through_the_table_with_the_permissions_they_give() {
    let answer = made().explain_in("billing", &context()).unwrap();
    assert_eq!(answer.code, code::OK);
    let because = json!([
        {"rule": "acme", "gave": [{"hd": "x"}], "text": "ada is in it"},
        {"rule": "ada@example.org", "gave": [], "text": "an address"},
        {"rule": "Reader", "gave": [], "text": "user u1"},
    ]);
    let permissions = json!({"acme": true, "ada@example.org": true, "Reader": true});
    assert_eq!(answer.reply, Some(json!({"permissions": permissions, "because": because})));
    assert_eq!(made().get_permissions_in("billing", &context()).unwrap().reply, Some(permissions));
}

#[test]
fn a_role_counts_at_its_service_or_at_every_one() {
    let answer = made().get_permissions_in("storage", &context()).unwrap().reply.unwrap();
    assert_eq!((&answer["Writer"], &answer["Reader"]), (&json!(true), &json!(true)));
}

#[test]
fn what_a_host_does_not_tell_is_empty() {
    let answer = made().explain("billing", "u1").unwrap();
    assert_eq!(answer.reply, Some(json!({"permissions": {}, "because": []})));
}

#[test]
fn a_context_of_another_form_is_an_error_and_not_empty() {
    let answer =
        made().get_permissions_in("billing", &json!({"user": {"id": "u1"}, "roles": "all"})).unwrap();
    assert_eq!((answer.code, answer.reply), (code::FATAL, None));
}

#[test]
fn only_what_needs_the_newer_host_asks_for_it() {
    let newer = Everything::table();
    assert_eq!((newer.abi_major, newer.abi_minor, newer.flags), (1, 1, flag::IDENTITIES));
    assert!(newer.explain.is_some());
    let table = || Table::<Everything>::new("x", "1").permissions();
    let older = table().serial().finish();
    assert_eq!((older.abi_minor, older.flags), (0, flag::SERIAL));
    assert!(older.explain.is_none() && older.resolve_token.is_none());
    assert_eq!(table().explain().finish().abi_minor, 1);
    assert_eq!(table().identities().finish().abi_minor, 1);
}

#[test]
#[should_panic(expected = "also has `permissions`")]
fn reasons_without_permissions_are_no_plugin() {
    struct Silent;
    impl Plugin for Silent {
        type Config = Map<String, Value>;

        fn create(_alias: &str, _config: Self::Config, _log: Logger) -> Result<Self> {
            Ok(Self)
        }
    }
    impl PermissionProvider for Silent {
        fn get_permissions(&self, _: &CallCtx<'_>, _: &PermissionRequest<'_>) -> Result<Map<String, Value>> {
            Ok(Map::new())
        }
    }
    impl Explain for Silent {
        fn explain(&self, _: &CallCtx<'_>, _: &PermissionRequest<'_>) -> Result<Explanation> {
            Ok(Explanation::default())
        }
    }
    impl OnNewUser for Silent {
        fn on_new_user(&self, _: &CallCtx<'_>, _: &User) -> Result<Option<Patch>> {
            Ok(None)
        }
    }
    let _table = Table::<Silent>::new("silent", "1").on_new_user().explain().finish();
}

#[test]
fn nothing_personal_is_in_debug_output() {
    let reason = Reason::new("rule", json!({"x": 1}), "ada@example.org is in it");
    let explanation = Explanation { permissions: Map::new(), because: vec![reason] };
    assert_eq!(format!("{explanation:?}"), "[Reason(rule)]");
}
