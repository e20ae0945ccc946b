//! Reports about the requests that the service sends to providers, for metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::time::Instant;
use tracing::Instrument as _;
use vestibule_domain::ProviderName;

use crate::error::Reason;

/// How a request to a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamOutcome {
    /// With an answer of status 2xx.
    Ok,
    /// With an answer of another status below 500.
    Refused,
    /// With an answer of status 5xx.
    ServerError,
    /// Without a complete answer in time.
    Timeout,
    /// Without a connection.
    Unreachable,
    /// With an answer that broke off, or was too large.
    Broken,
}

impl UpstreamOutcome {
    /// For a label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
        }
    }

    fn from_result(result: &Result<Response<Vec<u8>>, Reason>) -> Self {
        match result {
            Ok(answer) if answer.status().is_success() => Self::Ok,
            Ok(answer) if answer.status().is_server_error() => Self::ServerError,
            Ok(_) => Self::Refused,
            Err(Reason::Timeout) => Self::Timeout,
            Err(Reason::Connection) => Self::Unreachable,
            Err(_) => Self::Broken,
        }
    }
}

/// Hears of every request to a provider.
pub trait UpstreamObserver: Send + Sync {
    /// A request ended after this long.
    fn request(&self, provider: &ProviderName, outcome: UpstreamOutcome, duration: Duration);
}

/// For whom a client makes its requests, and who hears of them.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) provider: ProviderName,
    pub(crate) observer: Arc<dyn UpstreamObserver>,
}

impl Watch {
    /// Does the work in a span, and tells how it ended.
    pub(crate) async fn over(
        &self,
        work: impl Future<Output = Result<Response<Vec<u8>>, Reason>>,
    ) -> Result<Response<Vec<u8>>, Reason> {
        let started = Instant::now();
        let span = tracing::trace_span!(
            target: "vestibule::spans",
            "upstream_request",
            otel.kind = "client",
            provider = %self.provider,
            outcome = tracing::field::Empty
        );
        let result = work.instrument(span.clone()).await;
        let outcome = UpstreamOutcome::from_result(&result);
        span.record("outcome", outcome.as_str());
        self.observer.request(&self.provider, outcome, started.elapsed());
        result
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Watch({})", self.provider)
    }
}
