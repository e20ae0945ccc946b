//! The HTTP client for the collector: the one that the program has anyway, with limits.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;

use crate::error::CommandError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends requests to the collector. The exporter runs on a thread without a runtime, so requests run on the program's own.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: reqwest::Client,
    runtime: Handle,
}

impl CollectorClient {
    pub(super) fn new(runtime: &Handle) -> Result<Self, CommandError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            // One request at a time is made.
            .pool_max_idle_per_host(1)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .build()
            .map_err(CommandError::while_doing("the client for traces"))?;
        Ok(Self { client, runtime: runtime.clone() })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        self.runtime.spawn(async move { send(&client, request).await }).await?
    }
}

/// Only the status of the collector's answer matters.
async fn send(client: &reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    // The text of the error would contain the whole address.
    let answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    Ok(response)
}
