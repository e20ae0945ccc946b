//! GitHub's `/login/oauth/access_token`.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use poem::Response;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::exchange::{self, ClientError, CodeError};
use crate::grants::Grant;
use crate::parameters::{Parameters, Repeated};
use crate::provider::Provider;
use crate::random;
use crate::reply;
use crate::shared::Shared;

type Fields = Vec<(&'static str, String)>;

/// GitHub names an error, explains it, and gives the page to read about it.
struct Refusal {
    code: &'static str,
    description: &'static str,
}

impl Refusal {
    fn fields(&self) -> Fields {
        let anchor = self.code.replace('_', "-");
        vec![
            ("error", self.code.to_owned()),
            ("error_description", self.description.to_owned()),
            ("error_uri", format!("/apps/troubleshooting-oauth-app-access-token-request-errors/#{anchor}")),
        ]
    }
}

impl From<ClientError> for Refusal {
    fn from(_: ClientError) -> Self {
        Self {
            code: "incorrect_client_credentials",
            description: "The client_id and/or client_secret passed are incorrect.",
        }
    }
}

impl From<CodeError> for Refusal {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::RedirectUri => Self {
                code: "redirect_uri_mismatch",
                description: "The redirect_uri MUST match the registered callback URL for this application.",
            },
            CodeError::Unknown | CodeError::NoVerifier | CodeError::WrongVerifier => Self {
                code: "bad_verification_code",
                description: "The code passed is incorrect or expired.",
            },
        }
    }
}

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        CodeError::Unknown.into()
    }
}

/// Exchanges a code for a token. GitHub answers 200 to everything, errors too, and writes a form unless JSON is
/// asked for. Of a client that it does not know it says that it is not found.
pub(crate) async fn exchange(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    let form = Parameters::parse(body).unwrap_or_default();
    if form.find("client_id").is_some_and(|id| id != shared.client(Provider::Github).id) {
        return reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Not Found" }));
    }
    let fields = match try_exchange(shared, headers, body).await {
        Ok(fields) => fields,
        Err(refusal) => refusal.fields(),
    };
    write(&fields, wants_json(headers))
}

async fn try_exchange(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let form = if exchange::is_form(headers) { Parameters::parse(body)? } else { Parameters::default() };
    exchange::authenticate(shared.client(Provider::Github), None, headers, &form)?;
    let grant = exchange::redeem(shared, Provider::Github, &form)?;
    exchange::take_time(shared, &grant).await;
    shared.counters.count_token(Provider::Github);
    Ok(issue(shared, grant))
}

/// GitHub's tokens live until they are revoked.
fn issue(shared: &Shared, grant: Arc<Grant>) -> Fields {
    let token = format!("gho_{}", random::hex40());
    let scope = grant.scopes.join(",");
    shared.access_tokens.keep(&token, grant, i64::MAX);
    vec![("access_token", token), ("scope", scope), ("token_type", "bearer".to_owned())]
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split([',', ';']).any(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn write(fields: &Fields, json: bool) -> Response {
    if json {
        let members: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        return reply::json(StatusCode::OK, &Value::Object(members));
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Response::builder()
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(body)
}
