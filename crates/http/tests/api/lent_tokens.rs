//! Tokens of people and role accounts: where they count, and what they lend.

mod limits;
mod places;

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::Value;
use vestibule_domain::{
    ApiToken, ApiTokenId, ApiTokenKind, Clock as _, LentLimits, Metadata, Scopes, ServiceName, Services,
    SystemRandom, TokenName, UserId, Username,
};
use vestibule_flows::{
    Administration, Administrator, RoleAccountRequest, TokenLife, TokenRequest, TokenRules, TokenTerms,
};
use vestibule_storage::{NewApiToken, TokenCreation};
use vestibule_test_support::{Answer, TestDatabase};
use vestibule_tokens::{OpaqueKind, OpaqueSecret};

use crate::app::TestApp;
use crate::clients::ApiClient as _;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A service whose plugins grant everybody the permission `admin`.
async fn granting() -> TestApp {
    TestApp::builder(TestDatabase::sqlite()).plugins().granting("admin").build().await
}

fn limits(services: &str, scopes: &str) -> LentLimits {
    LentLimits { services: Services::parse(services).unwrap(), scopes: Scopes::parse(scopes).unwrap() }
}

/// A token of a persona who has just signed in, with its id and whose it is.
pub(crate) struct Lent {
    user: UserId,
    id: ApiTokenId,
    pub(crate) text: String,
}

/// A personal token of a persona.
pub(crate) async fn personal(app: &TestApp, persona: &str, services: &str, scopes: &str) -> Lent {
    let profile = app.signed_in(persona).await.get("/auth/check").await.json()["profile"].clone();
    let user = UserId::parse(profile["id"].as_str().unwrap()).unwrap();
    let secret = OpaqueSecret::generate(OpaqueKind::PersonalToken, &SystemRandom);
    let now = app.clock.now();
    let token = ApiToken {
        id: ApiTokenId::random(&SystemRandom),
        kind: ApiTokenKind::Personal,
        user_id: user.clone(),
        name: TokenName::parse("laptop").unwrap(),
        limits: limits(services, scopes),
        metadata: Metadata::default(),
        hint: secret.hint(),
        created_at: now,
        created_by: user.to_string(),
        expires_at: Some(now.plus(DAY)),
        last_used_at: None,
        last_used_ip: None,
    };
    let (id, text) = (token.id.clone(), secret.text().expose_secret().to_owned());
    let new = NewApiToken { digest: secret.digest(), token, most: 50 };
    let event = vestibule_domain::AuditEvent::new(
        vestibule_domain::AuditName::TokenCreated,
        vestibule_domain::Actor::User(user.clone()),
        now,
    );
    assert_eq!(app.storage.create_api_token(&new, &event).await.unwrap(), TokenCreation::Created);
    Lent { user, id, text }
}

/// A token of a role account, without an end.
async fn role(app: &TestApp, username: &str, services: &str, scopes: &str) -> Lent {
    let admin = Administration::new(&app.storage, &*app.clock, Administrator::operator());
    let request = RoleAccountRequest {
        username: Username::parse(username).unwrap(),
        name: None,
        description: None,
        metadata: Metadata::default(),
        owner: None,
    };
    let account = admin.create_role_account(&SystemRandom, request).await.unwrap();
    let is_service = |_: &ServiceName| true;
    let rules = TokenRules::default();
    let terms = TokenTerms { rules: &rules, is_service: &is_service, randomness: &SystemRandom };
    let request = TokenRequest {
        name: TokenName::parse("nightly").unwrap(),
        limits: limits(services, scopes),
        metadata: Metadata::default(),
        life: TokenLife::Never,
    };
    let made = admin.create_role_token(&terms, &account, request).await.unwrap();
    Lent { user: account.user.id, id: made.token.id, text: made.text.expose_secret().to_owned() }
}

async fn get(app: &TestApp, lent: &Lent, address: &str) -> Answer {
    app.with_token(&lent.text).get(address).await
}

async fn is_signed_in(app: &TestApp, lent: &Lent) -> bool {
    get(app, lent, "/auth/check").await.json()["authenticated"] == true
}

async fn permissions(app: &TestApp, lent: &Lent, service: &str) -> Value {
    get(app, lent, &format!("/auth/authorize?service={service}")).await.json()
}
