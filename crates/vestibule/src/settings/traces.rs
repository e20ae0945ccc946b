//! Whether traces are exported, and where to.

use secrecy::SecretString;
use url::Url;

use super::kinds::traces::SamplerChoice;
use super::loopback::is_loopback;
use super::reader::Reader;
use super::table::{
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
};

/// Traces that are to be exported.
#[derive(Debug, Clone)]
pub(crate) struct TraceSettings {
    /// Where spans go, with its path.
    pub(crate) endpoint: Url,
    /// Sent with them, to authenticate the service.
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) service_name: String,
    pub(crate) sampler: SamplerChoice,
}

/// `None` if no collector is named. The other settings mean nothing then; they are read all the same, so that a mistake is
/// found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<TraceSettings> {
    let endpoint = reader.find(&OTEL_EXPORTER_OTLP_ENDPOINT).value();
    let service_name = reader.read(&OTEL_SERVICE_NAME);
    let ratio = reader.read(&OTEL_TRACES_SAMPLER_ARG);
    let sampler = reader.read(&OTEL_TRACES_SAMPLER);
    let headers = reader.find(&OTEL_EXPORTER_OTLP_HEADERS).value().unwrap_or_default();
    let endpoint = endpoint?;
    if !headers.is_empty() && endpoint.scheme() != "https" && !is_loopback(&endpoint) {
        let reason = "headers go to a collector over https only, or on loopback";
        reader.report(OTEL_EXPORTER_OTLP_HEADERS.name(), &reason);
    }
    Some(TraceSettings { endpoint, headers, service_name: service_name?, sampler: sampler?.keeping(ratio?) })
}
