//! The requests that the service makes itself.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Origin;
use vestibule_domain::ProviderName;

use crate::endpoint::Endpoint;
use crate::error::{Reason, Step, StepError};
use crate::exchanges::{ExchangeLimit, MAX_IDLE};
use crate::observer::{UpstreamObserver, Watch};
use crate::proxy::OutboundProxy;

const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long idle connections are kept: for the requests of the next sign-in, when they are many.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 1024 * 1024;
const USER_AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// The client cannot be made, for example because the machine has no certificate authorities.
#[derive(Debug, Error)]
#[error("the client for requests to providers cannot be made")]
pub struct OutboundError(#[from] reqwest::Error);

/// The one HTTP client of the service.
///
/// One sign-in step has 10 seconds in all, a connection 3, an answer 1 MiB after decompression. Few connections stay open without a
/// request, and for 5 seconds. No redirect is followed, no
/// cookie is kept, nothing but https leaves the machine, except to the one address inside at which an issuer may be reached. Requests
/// go through an [`OutboundProxy`] where there is one; variables of the environment are not looked at here.
#[derive(Debug, Clone)]
pub struct OutboundClient {
    client: reqwest::Client,
    total: Duration,
    /// The origin that may be asked in the clear although it is on another machine.
    plaintext: Option<Origin>,
    limit: ExchangeLimit,
    watch: Option<Watch>,
}

impl OutboundClient {
    /// A client with the limits above.
    pub fn new() -> Result<Self, OutboundError> {
        Self::with_timeout(TOTAL_TIMEOUT)
    }

    /// A client with the limits above whose requests to other machines go through a proxy, if there is one.
    pub fn through(proxy: Option<&OutboundProxy>) -> Result<Self, OutboundError> {
        Self::build(TOTAL_TIMEOUT, proxy)
    }

    /// A client that gives one sign-in step so much time in all.
    pub fn with_timeout(total: Duration) -> Result<Self, OutboundError> {
        Self::build(total, None)
    }

    fn build(total: Duration, proxy: Option<&OutboundProxy>) -> Result<Self, OutboundError> {
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy.to_reqwest()?);
        }
        let client = builder
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(total))
            .timeout(total)
            .pool_max_idle_per_host(MAX_IDLE)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()?;
        Ok(Self { client, total, plaintext: None, limit: ExchangeLimit::MOST, watch: None })
    }

    /// The same client, which may ask the origin of this endpoint in the clear.
    pub(crate) fn trusting_plaintext_of(self, endpoint: Option<&Endpoint>) -> Self {
        Self { plaintext: endpoint.map(|endpoint| endpoint.url().origin()), ..self }
    }

    /// The same client, for providers that each have so many exchanges at once.
    #[must_use]
    pub fn limited_to(self, limit: ExchangeLimit) -> Self {
        Self { limit, ..self }
    }

    /// How many exchanges with one provider may be under way at once.
    pub(crate) fn exchange_limit(&self) -> ExchangeLimit {
        self.limit
    }

    /// The same client for one provider, with an observer of its requests.
    #[must_use]
    pub fn observed_for(&self, provider: &ProviderName, observer: Arc<dyn UpstreamObserver>) -> Self {
        Self { watch: Some(Watch { provider: provider.clone(), observer }), ..self.clone() }
    }

    /// Tells the observer that a sign-in goes on without the answer of this step.
    pub(crate) fn report_incomplete(&self, step: Step) {
        if let Some(watch) = &self.watch {
            watch.observer.incomplete(&watch.provider, step);
        }
    }

    /// Lets a whole step, of however many requests, take no longer than one request may.
    pub(crate) async fn within<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        tokio::time::timeout(self.total, work)
            .await
            .unwrap_or(Err(StepError::unavailable(step, Reason::Timeout)))
    }

    /// How long a request may take whose result is shared: half of a step, so that the step can go on without it.
    pub(crate) fn shared_timeout(&self) -> Duration {
        self.total / 2
    }

    /// Sends a request and reads the answer, whatever its status.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Reason> {
        match &self.watch {
            Some(watch) => watch.over(self.send_unwatched(request)).await,
            None => self.send_unwatched(request).await,
        }
    }

    async fn send_unwatched(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Reason> {
        Endpoint::parse_with(&request.uri().to_string(), self.plaintext.as_ref())
            .map_err(|_| Reason::Text("the address is not safe to ask"))?;
        let request = reqwest::Request::try_from(request).map_err(|error| reason_of(&error))?;
        let answer = self.client.execute(request).await.map_err(|error| reason_of(&error))?;
        read(answer).await
    }

    /// Asks for JSON, with an access token if there is one.
    pub(crate) async fn get(
        &self,
        endpoint: &Endpoint,
        accept: &'static str,
        access_token: Option<&str>,
    ) -> Result<Response<Vec<u8>>, Reason> {
        let mut request =
            Request::get(endpoint.url().as_str()).header(ACCEPT, HeaderValue::from_static(accept));
        if let Some(token) = access_token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Reason::Text("the access token has characters that no header can carry"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Vec::new()).map_err(|_| Reason::Text("the address is not safe to ask"))?;
        self.send(request).await
    }
}

/// Reads an answer that must be 200 and JSON of a certain shape.
pub(crate) fn json<T: DeserializeOwned>(answer: &Response<Vec<u8>>) -> Result<T, Reason> {
    if answer.status() != StatusCode::OK {
        return Err(Reason::Status(answer.status().as_u16()));
    }
    serde_json::from_slice(answer.body())
        .map_err(|_| Reason::Text("the answer is not the JSON that it should be"))
}

/// Reads the body piece by piece, as it comes out of the decompression, and stops at the limit.
async fn read(mut answer: reqwest::Response) -> Result<Response<Vec<u8>>, Reason> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| reason_of(&error))? {
        if body.len() + piece.len() > MAX_BODY {
            return Err(Reason::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    let mut read = Response::new(body);
    *read.status_mut() = answer.status();
    *read.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(read)
}

fn reason_of(error: &reqwest::Error) -> Reason {
    let reason = if error.is_timeout() {
        Reason::Timeout
    } else if error.is_connect() {
        Reason::Connection
    } else {
        Reason::Interrupted
    };
    tracing::debug!(%reason, causes = causes(error), "a request to a provider failed");
    reason
}

/// What lies under an error, such as the complaint about a certificate. The error itself names the whole address.
fn causes(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn b9_nothing_leaves_the_machine_in_the_clear() {
        let client = OutboundClient::new().unwrap();
        let request = Request::get("http://192.0.2.1/").body(Vec::new()).unwrap();
        assert_eq!(client.send(request).await.unwrap_err(), Reason::Text("the address is not safe to ask"));
    }

    #[tokio::test]
    async fn a_request_names_the_program_and_brings_no_cookie_along() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let server = tokio::spawn(async move {
            let mut seen = String::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                seen = String::from_utf8(head).unwrap().to_lowercase();
                let answer =
                    b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(answer).await.unwrap();
            }
            seen
        });
        let client = OutboundClient::new().unwrap();
        for _ in 0..2 {
            client.get(&endpoint, "application/json", Some("token")).await.unwrap();
        }
        let seen = server.await.unwrap();
        assert!(
            seen.contains(concat!("user-agent: vestibule/", env!("CARGO_PKG_VERSION"), "\r\n")),
            "{seen}"
        );
        assert!(
            seen.contains("accept: application/json\r\n") && seen.contains("authorization: bearer token\r\n")
        );
        assert!(!seen.contains("cookie") && !seen.contains("referer") && !seen.contains("traceparent"));
    }
}
