//! The tests of tokens, one file for each side: what is issued, what is refused, what rotation does, what is sealed.

mod hostile;
mod issued;
mod recognised;
mod remembered;
mod rotation;
mod sealed;

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use vestibule_domain::{ServiceName, SessionId, Timestamp, UserId};

use super::*;
use crate::testing::{
    ISSUER, PERMISSION_TTL, START, TestClock, TestKey, USER_TTL, base64url, first, second, service,
    service_with,
};
use crate::{TokenRefused, UserTokenClaims};

fn user() -> UserId {
    UserId::parse("ada").unwrap()
}

fn session() -> SessionId {
    SessionId::parse("session-1").unwrap()
}

fn far() -> Timestamp {
    START.plus(USER_TTL * 10)
}

fn user_token(service: &TokenService) -> String {
    text(&service.issue_user_token(&user(), &session(), far()).unwrap())
}

fn permission_token(service: &TokenService) -> String {
    let permissions = object(&json!({"read": true}));
    let name = ServiceName::parse("neuroglancer").unwrap();
    text(&service.issue_permission_token(&user(), &name, &permissions).unwrap().token)
}

fn text(token: &SecretString) -> String {
    token.expose_secret().to_owned()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The JSON text of one part of a token.
fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn header(alg: &str, typ: &str, kid: &str) -> String {
    format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#)
}

fn good_header() -> String {
    header("RS256", "user+jwt", &first().kid)
}

fn good_claims() -> Value {
    let now = START.seconds();
    json!({"iss": ISSUER, "sub": "ada", "userid": "ada", "aud": ISSUER, "sid": "session-1", "iat": now, "exp": now + 3600, "jti": "token-1"})
}

/// A token with this header and these claims, properly signed by a key.
fn forged(key: &TestKey, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign(&RSA_PKCS1_SHA256, message.as_bytes());
    format!("{message}.{}", base64url(signature))
}

fn refused(token: &str) -> TokenRefused {
    service().0.verify_user_token(token).expect_err(token)
}

fn verify_claims(claims: impl AsRef<[u8]>) -> Result<Arc<UserTokenClaims>, TokenRefused> {
    service().0.verify_user_token(&forged(first(), good_header(), claims))
}
