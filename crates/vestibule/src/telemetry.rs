//! Traces for a collector, by the OpenTelemetry protocol over HTTP. Off unless the settings name a collector.
//!
//! It exports the spans of requests, of database operations, of plugin calls and of requests to providers. It exports no log lines,
//! and sends no trace context to providers or plugins.

mod client;
mod exporter;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use poem::http::HeaderMap;
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use vestibule_http::RequestTracer;

use crate::error::CommandError;
use crate::settings::{RootSampler, SamplerChoice, TraceSettings};

use exporter::CountingExporter;
pub(crate) use exporter::SpanCounts;

/// How long the last spans have to get away when the service ends.
const GRACE: Duration = Duration::from_secs(1);

/// Traces that are on.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    counts: Arc<SpanCounts>,
}

impl Telemetry {
    /// Makes what traces need. It sends nothing yet, so a collector that is down does not stop the start.
    pub(crate) fn new(settings: &TraceSettings, runtime: &Handle) -> Result<Self, CommandError> {
        let counts = Arc::<SpanCounts>::default();
        let exporter = CountingExporter::new(settings, runtime, &counts)?;
        let resource = Resource::builder_empty()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler(settings.sampler))
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider, counts })
    }

    /// Makes the spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("vestibule")
    }

    /// How many spans were sent, and how many were not.
    pub(crate) fn counts(&self) -> Arc<SpanCounts> {
        Arc::clone(&self.counts)
    }

    /// Sends the remaining spans, within [`GRACE`].
    pub(crate) fn stop(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(GRACE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn sampler(choice: SamplerChoice) -> Sampler {
    let root = match choice.root {
        RootSampler::AlwaysOn => Sampler::AlwaysOn,
        RootSampler::AlwaysOff => Sampler::AlwaysOff,
        RootSampler::Ratio(share) => Sampler::TraceIdRatioBased(share),
    };
    if choice.parent_based { Sampler::ParentBased(Box::new(root)) } else { root }
}

/// What a trace tells of a request beside its operation and its id, as the semantic conventions for HTTP have it.
#[derive(Debug, Default)]
pub(crate) struct HttpTracer(TraceContextPropagator);

impl RequestTracer for HttpTracer {
    /// Reads the header `traceparent` (W3C Trace Context, section 3.2).
    fn begin(&self, span: &Span, method: &'static str, headers: Option<&HeaderMap>) {
        if let Some(headers) = headers {
            let context = self.0.extract_with_context(&Context::new(), &HeaderExtractor(headers));
            // This fails only if the span is disabled.
            drop(span.set_parent(context));
        }
        span.set_attribute("http.request.method", method);
    }

    /// What the client did wrong is no error of the server.
    fn end(&self, span: &Span, status: u16) {
        span.set_attribute("http.response.status_code", i64::from(status));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
    }
}
