//! A fault in the form that the reader expects: JSON for programs, a page where a person's browser is.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Request, Response};
use serde_json::json;

use crate::edge::allowed_methods;
use crate::failure::Form;
use crate::pages;
use crate::problem::{Fault, Problem};

/// Builds the answer.
pub(crate) fn render(problem: &Problem, fault: &Fault, path: &str, form: Form, request_id: &str) -> Response {
    let mut response = match form {
        Form::Page => pages::message(fault, request_id),
        Form::Json => json(fault, request_id).with_content_type(JSON).into_response(),
    };
    response.set_status(fault.status);
    if let Some(seconds) = retry_after(problem) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    if matches!(problem, Problem::MethodNotAllowed) {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed_methods(path)));
    }
    response
}

/// The type of what [`json`] makes.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// The form for programs.
pub(crate) fn json(fault: &Fault, request_id: &str) -> String {
    json!({"error": fault.code, "error_description": fault.description, "request_id": request_id}).to_string()
}

/// When another try makes sense, in whole seconds.
pub(crate) fn retry_after(problem: &Problem) -> Option<HeaderValue> {
    problem.retry_after().map(|wait| HeaderValue::from(wait.as_secs().max(1)))
}

/// The callback is always seen by a person. The login address is for a browser too, but a program may look whether it
/// works; everything else is called by programs.
pub(crate) fn form_for(request: &Request) -> Form {
    let accepts_page =
        || request.header(header::ACCEPT).is_some_and(|accepted| accepted.contains("text/html"));
    match request.uri().path() {
        "/auth/oauth_callback" => Form::Page,
        path if path.starts_with("/auth/callback/") => Form::Page,
        path if path.starts_with("/auth/login/") && accepts_page() => Form::Page,
        _ => Form::Json,
    }
}
