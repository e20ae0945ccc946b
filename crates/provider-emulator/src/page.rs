//! The pages that people see. No script, no image, nothing from anywhere else.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use poem::Response;

use crate::parameters::Parameters;
use crate::personas::Persona;
use crate::provider::Provider;

const STYLE: &str = include_str!("page/style.css");

/// The page of people to choose from. Each is a link to the same request with the choice added, so that a
/// program can follow it as well as a person.
pub(crate) fn choose(
    provider: Provider,
    path: &str,
    parameters: &Parameters,
    people: &[Persona],
) -> Response {
    let mut list = String::new();
    for persona in people {
        let address = format!("{path}?{}", parameters.encode_with("persona", &persona.id));
        list.push_str(&link(&address, persona));
    }
    let body = format!(
        "<p class=\"provider\">{provider} &middot; emulated</p><h1>Choose who to be</h1>\
         <p>{client} wants to know who you are.</p><ul>{list}</ul>\
         <p class=\"note\">Nobody here is real and no password is asked for.</p>",
        provider = escape(provider.title()),
        client = escape(parameters.find("client_id").unwrap_or_default()),
    );
    document(StatusCode::OK, "Choose who to be", &body)
}

fn link(address: &str, persona: &Persona) -> String {
    let initial: String = persona.title.chars().take(1).collect();
    format!(
        "<li><a href=\"{address}\"><span class=\"face\" aria-hidden=\"true\">{initial}</span>\
         <span><strong><bdi>{title}</bdi></strong><br>{explanation}</span></a></li>",
        address = escape(address),
        initial = escape(&initial),
        title = escape(&persona.title),
        explanation = escape(&persona.explanation),
    )
}

/// The page for a request that its author has to mend.
pub(crate) fn wrong_request(provider: Provider, wrong: &str) -> Response {
    message(StatusCode::BAD_REQUEST, &format!("{provider} cannot go on"), wrong)
}

/// A page of one sentence.
pub(crate) fn message(status: StatusCode, title: &str, sentence: &str) -> Response {
    let body = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(sentence));
    document(status, title, &body)
}

fn document(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
        title = escape(title),
    );
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy())
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CACHE_CONTROL, "no-store")
        .body(html)
}

/// Nothing is allowed but the one style sheet, named by its digest.
fn policy() -> String {
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
