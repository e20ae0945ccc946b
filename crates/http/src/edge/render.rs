//! A fault in the form that the reader expects: JSON for programs, a page where a person's browser is.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use serde_json::json;

use crate::edge::allowed_methods;
use crate::pages;
use crate::problem::{Fault, Problem};

/// Builds the answer.
pub(crate) fn render(problem: &Problem, fault: &Fault, path: &str, request_id: &str) -> Response {
    let mut response = if is_for_people(path) {
        pages::message(fault, request_id)
    } else {
        let body =
            json!({"error": fault.code, "error_description": fault.description, "request_id": request_id});
        body.to_string().with_content_type("application/json; charset=utf-8").into_response()
    };
    response.set_status(fault.status);
    if let Some(wait) = problem.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if matches!(problem, Problem::MethodNotAllowed) {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed_methods(path)));
    }
    response
}

/// Browsers navigate to these; everything else is called by programs.
fn is_for_people(path: &str) -> bool {
    path == "/auth/oauth_callback" || path.starts_with("/auth/login/")
}
