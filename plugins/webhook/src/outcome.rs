//! What one attempt comes to.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use vestibule_plugin_sdk::{Error, Result};

use crate::reply::{self, Question, Reply};
use crate::{backoff, clock};

/// The most that an answer may have.
const MAX_BODY: usize = 64 * 1024;

/// Why an attempt has no answer.
pub(crate) enum Miss {
    /// The receiver has not taken the request, so it may be sent again.
    Again { reason: String, after: Option<Duration> },
    /// Nothing that another attempt would better.
    Final(Error),
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Why no answer came. The error itself is not shown, as it has the whole address; what lies under it is.
pub(crate) fn of_failure(error: &reqwest::Error) -> Miss {
    let causes: Vec<_> = std::iter::successors(error.source(), |cause| (*cause).source()).collect();
    let text = causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if causes.iter().any(|cause| is_about_tls(*cause)) {
        return Miss::Final(Error::fatal(format!("no trust in the connection: {text}")));
    }
    if error.is_connect() {
        return Miss::Again { reason: format!("no connection: {text}"), after: None };
    }
    Miss::Final(Error::retry(format!("the connection broke off: {text}")))
}

/// A wrong certificate stays wrong. An `io::Error` does not count what it holds among its causes.
fn is_about_tls(error: &(dyn StdError + 'static)) -> bool {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inside.is_some_and(|inside| is_about_tls(inside))
}

/// Reads what came.
pub(crate) async fn of_response(question: Question, response: Response) -> Result<Reply, Miss> {
    match (response.status(), question) {
        (StatusCode::OK, _) => Ok(reply::parse(question, &json_of(response).await?)?),
        (StatusCode::NO_CONTENT, Question::Hook) => Ok(Reply::Nothing),
        (StatusCode::NO_CONTENT, Question::Permissions) => {
            Err(Error::fatal("the answer has status 204, and permissions were asked for").into())
        }
        (StatusCode::NO_CONTENT, Question::Token) => {
            Err(Error::fatal("the answer has status 204, and the holder of a token was asked for").into())
        }
        (status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE), _) => {
            let after = backoff::retry_after(response.headers(), clock::now());
            Err(Miss::Again { reason: format!("the answer has status {}", status.as_u16()), after })
        }
        (status, _) if status.is_redirection() => {
            let text = format!("the answer has status {}, and redirects are not followed", status.as_u16());
            Err(Error::fatal(text).into())
        }
        (status, _) => Err(Error::fatal(format!("the answer has status {}", status.as_u16())).into()),
    }
}

async fn json_of(response: Response) -> Result<Vec<u8>, Miss> {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::fatal("the answer is not `application/json`").into());
    }
    read(response).await
}

/// Reads the body piece by piece, and no further than the limit.
async fn read(mut response: Response) -> Result<Vec<u8>, Miss> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| of_failure(&error))? {
        if body.len() + piece.len() > MAX_BODY {
            return Err(Error::fatal("the answer is larger than 64 KiB").into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
