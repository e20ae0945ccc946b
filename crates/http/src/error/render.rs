//! An error in the format that the reader expects: JSON for programs, a page where a person's browser is.

use poem::http::{HeaderMap, HeaderValue, header};
use poem::{IntoResponse, Request, Response};
use serde_json::json;

use super::{ErrorFormat, ErrorResponse};
use crate::pages;

/// Builds the answer.
pub(crate) fn render(
    answer: &ErrorResponse,
    request: &Request,
    format: ErrorFormat,
    request_id: &str,
) -> Response {
    let mut response = if is_page(format, request) {
        pages::message(answer.page.title, answer.page.text, request_id)
    } else {
        let body = if format == ErrorFormat::Typed {
            typed_json(answer, request_id)
        } else {
            json(answer, request_id)
        };
        body.with_content_type(JSON).into_response()
    };
    response.set_status(answer.status);
    add_headers(answer, response.headers_mut());
    response
}

/// Adds the headers that belong to the status.
pub(crate) fn add_headers(answer: &ErrorResponse, headers: &mut HeaderMap) {
    if let Some(wait) = answer.retry_after {
        // In whole seconds, and never at once.
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let Some((name, value)) = &answer.header {
        headers.insert(name, value.clone());
    }
}

fn is_page(format: ErrorFormat, request: &Request) -> bool {
    match format {
        ErrorFormat::Json | ErrorFormat::Typed => false,
        ErrorFormat::Html => true,
        ErrorFormat::Negotiated => {
            request.header(header::ACCEPT).is_some_and(|accepted| accepted.contains("text/html"))
        }
    }
}

/// The type of what [`json`] makes.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// The form for programs.
pub(crate) fn json(answer: &ErrorResponse, request_id: &str) -> String {
    json!({"error": answer.code, "error_description": answer.description, "request_id": request_id})
        .to_string()
}

/// The form for programs of [`ErrorFormat::Typed`].
fn typed_json(answer: &ErrorResponse, request_id: &str) -> String {
    let description = &answer.description;
    json!({
        "error": answer.code, "error_description": description, "request_id": request_id,
        "type": answer.kind(), "code": answer.status.as_u16(), "msg": description,
    })
    .to_string()
}
