//! The `oauth2` crate over our own client, so that its limits hold for the code exchange too.

use std::future::Future;
use std::pin::Pin;

use http::{HeaderValue, StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::token::find_flaw;
use crate::error::Reason;
use crate::outbound::OutboundClient;

pub(super) struct Transport<'a>(pub(super) &'a OutboundClient);

impl<'c> AsyncHttpClient<'c> for Transport<'_> {
    type Error = Reason;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Reason>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.0.send(request).await.and_then(meant) })
    }
}

/// Gives an answer the status that it should have had. GitHub says `200 {"error": ...}` where the standard has 400;
/// and a body that comes with a redirect, 429 or 5xx is nothing that should be read. An answer that is neither a token nor an error
/// ends here, with a sentence for each cause.
fn meant(mut answer: HttpResponse) -> Result<HttpResponse, Reason> {
    let status = answer.status();
    if status.is_redirection() || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Reason::Status(status.as_u16()));
    }
    let members = match read_members(answer.body()) {
        Ok(members) => members,
        // What is no token says more by its status than by its form.
        Err(_) if !status.is_success() => return Err(Reason::Status(status.as_u16())),
        Err(flaw) => return Err(Reason::Text(flaw)),
    };
    let has_error = members.get("error").is_some_and(|error| !error.is_null());
    if !status.is_success() && !has_error {
        return Err(Reason::Status(status.as_u16()));
    }
    if let Some(flaw) = find_flaw(&members) {
        return Err(Reason::Text(flaw));
    }
    if status.is_success() && has_error {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    // The library reads nothing else, and an odd name of the type is no reason to refuse what is JSON.
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

fn read_members(body: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("the answer is JSON, but not an object"),
        Err(_) if body.iter().all(u8::is_ascii_whitespace) => Err("the answer is empty"),
        Err(_) => Err("the answer is not JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<HttpResponse, Reason> {
        let answer = http::Response::builder().status(status).body(body.as_bytes().to_vec());
        meant(answer.unwrap())
    }

    #[test]
    fn each_answer_that_is_no_token_has_a_sentence_of_its_own() {
        for (body, sentence) in [
            ("", "the answer is empty"),
            (" \n", "the answer is empty"),
            ("<html>", "the answer is not JSON"),
            ("access_token=a&token_type=bearer", "the answer is not JSON"),
            (r#"{"access_token": "a""#, "the answer is not JSON"),
            (r#"["a"]"#, "the answer is JSON, but not an object"),
            ("{}", "the answer has no access_token"),
            (r#"{"token_type": "Bearer"}"#, "the answer has no access_token"),
            (r#"{"access_token": 7}"#, "the answer has an access_token that is not a text"),
            (r#"{"access_token": ""}"#, "the answer has an empty access_token"),
            (
                r#"{"access_token": "a", "token_type": "mac"}"#,
                "the answer has a token of another type than Bearer",
            ),
            (
                r#"{"access_token": "a", "token_type": 7}"#,
                "the answer has a token of another type than Bearer",
            ),
            (r#"{"access_token": "a", "id_token": {}}"#, "the answer has an id_token that is not a text"),
            (
                r#"{"access_token": "a", "error": "invalid_grant"}"#,
                "the answer has both a token and an error",
            ),
            (r#"{"error": ["odd"]}"#, "the answer has an error that is not a text"),
        ] {
            assert_eq!(answer(200, body).unwrap_err(), Reason::Text(sentence), "{body}");
        }
    }

    #[test]
    fn an_error_is_one_by_its_member_and_a_failure_by_its_status() {
        assert_eq!(answer(200, r#"{"error": "bad_verification_code"}"#).unwrap().status(), 400);
        assert_eq!(answer(400, r#"{"error": "invalid_grant"}"#).unwrap().status(), 400);
        for (status, body) in [
            (401, ""),
            (400, "<html>"),
            (403, "{}"),
            (404, r#"{"access_token": "a"}"#),
            (302, ""),
            (429, "{}"),
            (503, ""),
        ] {
            assert_eq!(answer(status, body).unwrap_err(), Reason::Status(status), "{body}");
        }
    }

    #[test]
    fn a_token_without_a_type_is_a_bearer_token_whatever_the_content_type() {
        for kind in ["", r#", "token_type": null"#, r#", "token_type": "BEARER""#, r#", "error": null"#] {
            let answer = answer(200, &format!(r#"{{"access_token": "a"{kind}}}"#)).unwrap();
            assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
            let token: crate::oauth::TokenAnswer = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(token.access_token(), "a");
        }
    }
}
