//! An error in the format that the reader expects: JSON for programs, a page where a person's browser is.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Request, Response};
use serde_json::json;

use super::{ApiError, ErrorFormat, ErrorResponse};
use crate::pages;

/// Builds the answer.
pub(crate) fn render(
    error: &ApiError,
    answer: &ErrorResponse,
    request: &Request,
    format: ErrorFormat,
    request_id: &str,
) -> Response {
    let mut response = if is_page(format, request) {
        pages::message(answer.status, &answer.description, request_id)
    } else {
        json(answer, request_id).with_content_type(JSON).into_response()
    };
    response.set_status(answer.status);
    if let Some(seconds) = retry_after(error) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    if let ApiError::MethodNotAllowed { allow } = error
        && let Ok(allowed) = HeaderValue::try_from(allow)
    {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn is_page(format: ErrorFormat, request: &Request) -> bool {
    match format {
        ErrorFormat::Json => false,
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

/// When another try makes sense, in whole seconds.
pub(crate) fn retry_after(error: &ApiError) -> Option<HeaderValue> {
    error.retry_after().map(|wait| HeaderValue::from(wait.as_secs().max(1)))
}
