//! GitHub's API: `/user`, `/user/emails` and `/user/orgs`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::Response;
use serde_json::{Value, json};

use crate::exchange;
use crate::grants::Grant;
use crate::parameters::Parameters;
use crate::provider::Provider;
use crate::reply;
use crate::shared::Shared;

/// Entries on a page when the client does not say, and at most.
const PAGE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// Why a request is turned away.
enum Refusal {
    NoUserAgent,
    NoToken,
    BadToken,
}

impl Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NoUserAgent => Response::builder()
                .status(StatusCode::FORBIDDEN)
                .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
                .body("Request forbidden by administrative rules: it has no User-Agent header."),
            Self::NoToken => message(StatusCode::UNAUTHORIZED, "Requires authentication"),
            Self::BadToken => message(StatusCode::UNAUTHORIZED, "Bad credentials"),
        }
    }
}

/// Who the token's holder is.
pub(crate) fn user(shared: &Shared, headers: &HeaderMap) -> Response {
    match authorize(shared, headers) {
        Ok(grant) => with_scopes(reply::json(StatusCode::OK, &grant.persona.github.user), &grant),
        Err(refusal) => refusal.into_response(),
    }
}

/// The addresses of the token's holder, a page at a time.
pub(crate) fn emails(shared: &Shared, headers: &HeaderMap, query: &str) -> Response {
    let grant = match authorize(shared, headers) {
        Ok(grant) => grant,
        Err(refusal) => return refusal.into_response(),
    };
    if !grant.has_scope("user:email") && !grant.has_scope("user") {
        return message(StatusCode::NOT_FOUND, "Not Found");
    }
    list(shared, &grant, "/user/emails", &grant.persona.github.emails, query)
}

/// The organizations of the token's holder, a page at a time.
pub(crate) fn organizations(shared: &Shared, headers: &HeaderMap, query: &str) -> Response {
    let grant = match authorize(shared, headers) {
        Ok(grant) => grant,
        Err(refusal) => return refusal.into_response(),
    };
    if !["user", "read:org", "write:org", "admin:org"].iter().any(|scope| grant.has_scope(scope)) {
        return message(
            StatusCode::FORBIDDEN,
            "You need at least read:org scope or user scope to list your organizations",
        );
    }
    list(shared, &grant, "/user/orgs", &grant.persona.github.organizations, query)
}

/// An array is cut into pages, anything else is given as it is.
fn list(shared: &Shared, grant: &Grant, path: &str, told: &Value, query: &str) -> Response {
    let response = match told {
        Value::Array(all) => {
            page(shared, path, all, &Parameters::parse(query.as_bytes()).unwrap_or_default())
        }
        other => reply::json(StatusCode::OK, other),
    };
    with_scopes(response, grant)
}

/// GitHub turns away whoever does not say which program they are, before it looks at the token.
fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<Arc<Grant>, Refusal> {
    if headers.get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        return Err(Refusal::NoUserAgent);
    }
    let token = exchange::find_token(headers, &["bearer", "token"]).ok_or(Refusal::NoToken)?;
    let grant = shared.access_tokens.find(token, shared.clock.now());
    grant.filter(|grant| grant.provider == Provider::Github).ok_or(Refusal::BadToken)
}

fn message(status: StatusCode, text: &str) -> Response {
    let body = json!({
        "message": text,
        "documentation_url": "https://docs.github.example.com/rest",
        "status": status.as_str(),
    });
    reply::json(status, &body)
}

fn with_scopes(mut response: Response, grant: &Grant) -> Response {
    if let Ok(value) = HeaderValue::from_str(&grant.scopes.join(", ")) {
        response.headers_mut().insert("x-oauth-scopes", value);
    }
    response
}

fn page(shared: &Shared, path: &str, all: &[Value], parameters: &Parameters) -> Response {
    let size = number(parameters, "per_page").unwrap_or(PAGE).min(LARGEST_PAGE);
    let page = number(parameters, "page").unwrap_or(1);
    let pages = all.len().div_ceil(size);
    let entries: Vec<Value> = all.iter().skip((page - 1).saturating_mul(size)).take(size).cloned().collect();
    let mut response = reply::json(StatusCode::OK, &Value::Array(entries));
    let address = format!("{}{path}?per_page={size}", shared.github_api_url());
    if let Some(link) = links(&address, page, pages).and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// A parameter that is a positive number; anything else counts as absent.
fn number(parameters: &Parameters, name: &str) -> Option<usize> {
    parameters.find(name)?.parse().ok().filter(|number| *number > 0)
}

/// The `Link` header of RFC 8288 with the relations that GitHub gives; none for a single page.
fn links(address: &str, page: usize, pages: usize) -> Option<String> {
    let mut links = Vec::new();
    let mut link =
        |to: usize, relation: &str| links.push(format!("<{address}&page={to}>; rel=\"{relation}\""));
    if page > 1 {
        link(page - 1, "prev");
    }
    if page < pages {
        link(page + 1, "next");
        link(pages, "last");
    }
    if page > 1 {
        link(1, "first");
    }
    (!links.is_empty()).then(|| links.join(", "))
}
