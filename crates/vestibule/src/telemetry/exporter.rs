//! The exporter of spans, which counts those that the collector does not take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::SpanKind;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as Export};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use super::client::CollectorClient;
use crate::error::CommandError;
use crate::settings::TraceSettings;
use crate::settings::table::OTEL_EXPORTER_OTLP_ENDPOINT;

/// How many spans were sent, and how many dropped.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl SpanCounts {
    /// For a metric: by name.
    pub(crate) fn read(&self) -> Vec<(&'static str, u64)> {
        vec![("sent", self.sent.load(Ordering::Relaxed)), ("dropped", self.dropped.load(Ordering::Relaxed))]
    }
}

/// The span of a request has one name in the log. In a trace it is a server span with the name of the operation.
fn name_after_operation(mut span: SpanData) -> SpanData {
    if span.name == "request" {
        span.span_kind = SpanKind::Server;
        let operation = span.attributes.iter().find(|attribute| attribute.key.as_str() == "operation");
        if let Some(operation) = operation {
            span.name = operation.value.as_str().into_owned().into();
        }
    }
    span
}

/// Sends spans. When it cannot, it logs that once, however long it lasts.
#[derive(Debug)]
pub(super) struct CountingExporter {
    inner: SpanExporter,
    counts: Arc<SpanCounts>,
    failing: AtomicBool,
}

impl CountingExporter {
    pub(super) fn new(
        settings: &TraceSettings,
        runtime: &Handle,
        counts: &Arc<SpanCounts>,
    ) -> Result<Self, CommandError> {
        let headers = settings.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
        let inner = SpanExporter::builder()
            .with_http()
            .with_http_client(CollectorClient::new(runtime)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.as_str())
            .with_headers(headers)
            .build()
            .map_err(CommandError::while_doing(OTEL_EXPORTER_OTLP_ENDPOINT.name()))?;
        Ok(Self { inner, counts: Arc::clone(counts), failing: AtomicBool::new(false) })
    }

    fn note(&self, spans: u64, result: &OTelSdkResult) {
        let Err(error) = result else {
            self.counts.sent.fetch_add(spans, Ordering::Relaxed);
            if self.failing.swap(false, Ordering::Relaxed) {
                tracing::info!("the collector takes spans again");
            }
            return;
        };
        self.counts.dropped.fetch_add(spans, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "the collector does not take spans; they are dropped and counted until it does");
        }
    }
}

impl Export for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let batch = batch.into_iter().map(name_after_operation).collect();
        let result = self.inner.export(batch).await;
        self.note(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
