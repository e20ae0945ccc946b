//! Reports about the requests that the service sends to providers, for metrics.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, Response, header};
use tokio::time::Instant;
use tracing::Instrument as _;
use vestibule_domain::{ProviderName, Timestamp};

use crate::error::{Reason, Step};

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

    /// An answer has just come, this long after its request was sent, and said what second it is at the provider.
    fn second(&self, provider: &ProviderName, second: Timestamp, duration: Duration) {
        let _ = (provider, second, duration);
    }

    /// A sign-in goes on without the answer of this step.
    fn incomplete(&self, provider: &ProviderName, step: Step) {
        let _ = (provider, step);
    }
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
        let duration = started.elapsed();
        self.observer.request(&self.provider, outcome, duration);
        if let Some(second) = result.as_ref().ok().and_then(|answer| stated_second(answer.headers())) {
            self.observer.second(&self.provider, second, duration);
        }
        result
    }
}

/// `Date`, and what a cache on the way says has passed since (RFC 9111 section 5.1).
fn stated_second(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let date = httpdate::parse_http_date(text(header::DATE)?).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    let age = text(header::AGE).and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    Some(Timestamp::from_seconds(0).plus(since_epoch).plus(Duration::from_secs(age)))
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Watch({})", self.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(headers: &[(header::HeaderName, &'static str)]) -> Option<i64> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        stated_second(&headers.collect()).map(Timestamp::seconds)
    }

    #[test]
    fn the_date_of_an_answer_counts_with_the_time_that_it_lay_in_a_cache() {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(second(&[(header::DATE, DATE)]), Some(784_111_777));
        assert_eq!(second(&[(header::DATE, DATE), (header::AGE, "90")]), Some(784_111_867));
        assert_eq!(second(&[(header::DATE, DATE), (header::AGE, "soon")]), Some(784_111_777));
        for none in ["", "yesterday", "Sun, 06 Nov 1894 08:49:37 GMT"] {
            assert_eq!(second(&[(header::DATE, none)]), None, "{none}");
        }
        assert_eq!(second(&[(header::AGE, "90")]), None);
    }
}
