//! The `oauth2` crate over our own client, so that its limits hold for the code exchange too.

use std::future::Future;
use std::pin::Pin;

use http::StatusCode;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

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
/// and a body that comes with a redirect, 429 or 5xx is nothing that should be read.
fn meant(mut answer: HttpResponse) -> Result<HttpResponse, Reason> {
    let status = answer.status();
    if status.is_redirection() || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Reason::Status(status.as_u16()));
    }
    let members: Option<Map<String, Value>> = serde_json::from_slice(answer.body()).ok();
    if status.is_success() && members.is_some_and(|members| members.contains_key("error")) {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(answer)
}
