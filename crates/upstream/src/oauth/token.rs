//! What a token endpoint answers, as far as a sign-in needs it.

use std::fmt;
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

/// The answer of a token endpoint. Members that a sign-in has no use for are not even looked at, so that an odd
/// `expires_in` does no harm.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenAnswer {
    access_token: AccessToken,
    #[serde(default = "bearer", deserialize_with = "read_token_type")]
    token_type: BasicTokenType,
    #[serde(default)]
    id_token: Option<String>,
}

impl TokenAnswer {
    pub(crate) fn access_token(&self) -> &str {
        self.access_token.secret()
    }

    pub(crate) fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }
}

/// What a missing type means: nothing else can be asked for here.
fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

fn read_token_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BasicTokenType, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if is_bearer(&value) { Ok(bearer()) } else { Err(de::Error::custom(OTHER_TYPE)) }
}

/// OpenID Connect Core section 3.1.3.3 asks for Bearer; RFC 6749 section 5.1 compares it without regard to case.
fn is_bearer(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("bearer"))
}

const OTHER_TYPE: &str = "the answer has a token of another type than Bearer";
/// The one answer that is of no use although each half of it is.
pub(super) const TOKEN_AND_ERROR: &str = "the answer has both a token and an error";

/// Why the members of an answer are no token, in words that hold nothing of it.
pub(super) fn find_flaw(members: &Map<String, Value>) -> Option<&'static str> {
    let member = |name: &str| members.get(name).filter(|value| !value.is_null());
    match (member("access_token"), member("error")) {
        (Some(_), Some(_)) => return Some(TOKEN_AND_ERROR),
        (None, None) => return Some("the answer has no access_token"),
        (None, Some(error)) if !error.is_string() => {
            return Some("the answer has an error that is not a text");
        }
        (None, Some(_)) => return None,
        (Some(Value::String(token)), None) if token.is_empty() => {
            return Some("the answer has an empty access_token");
        }
        (Some(Value::String(_)), None) => {}
        (Some(_), None) => return Some("the answer has an access_token that is not a text"),
    }
    match (member("token_type"), member("id_token")) {
        (Some(kind), _) if !is_bearer(kind) => Some(OTHER_TYPE),
        (_, Some(token)) if !token.is_string() => Some("the answer has an id_token that is not a text"),
        _ => None,
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenAnswer(..)")
    }
}

impl TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}
