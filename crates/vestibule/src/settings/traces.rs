//! Whether traces are exported, and where to. The names are those that every program with OpenTelemetry has.

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, is_loopback};

/// Traces that are to be exported.
#[derive(Debug, Clone)]
pub(crate) struct TraceSettings {
    /// Where spans go, with its path.
    pub(crate) endpoint: Url,
    /// What the collector is told about who sends them.
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) service_name: String,
    pub(crate) sampler: SamplerChoice,
}

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SamplerChoice {
    /// Whether whoever began a trace has decided for us.
    pub(crate) parent_based: bool,
    /// All or none of those that begin here.
    pub(crate) on: bool,
    /// A share of those that begin here.
    pub(crate) ratio: Option<f64>,
}

/// Nothing when no collector is named. What belongs to traces makes no sense then, and is read all the same, so that a
/// mistake is found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<TraceSettings> {
    let endpoint = reader.parse("OTEL_EXPORTER_OTLP_ENDPOINT", parse_endpoint);
    let service_name = reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "vestibule".to_owned());
    let ratio = reader.parse("OTEL_TRACES_SAMPLER_ARG", parse_ratio).unwrap_or(1.0);
    let sampler = reader.parse("OTEL_TRACES_SAMPLER", |text| parse_sampler(text, ratio));
    let sampler = sampler.unwrap_or(SamplerChoice { parent_based: true, on: true, ratio: None });
    let headers = reader.parse("OTEL_EXPORTER_OTLP_HEADERS", parse_headers).unwrap_or_default();
    let endpoint = endpoint?;
    if !headers.is_empty() && endpoint.scheme() != "https" && !is_loopback(&endpoint) {
        let reason = "headers go to a collector over https only, or on loopback";
        reader.wrong("OTEL_EXPORTER_OTLP_HEADERS", &reason);
    }
    Some(TraceSettings { endpoint, headers, service_name, sampler })
}

/// The address of a collector, to whose path that of traces is added (OpenTelemetry protocol exporter, "endpoint URLs").
fn parse_endpoint(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "not an address such as http://127.0.0.1:4318")?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain || url.fragment().is_some() {
        return Err("expected http or https, without a user, a query or a fragment");
    }
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn parse_ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("expected a number from 0 to 1")
}

fn parse_sampler(text: &str, ratio: f64) -> Result<SamplerChoice, &'static str> {
    let (parent_based, root) = text.strip_prefix("parentbased_").map_or((false, text), |root| (true, root));
    let choice = |on, ratio| Ok(SamplerChoice { parent_based, on, ratio });
    match root {
        "always_on" => choice(true, None),
        "always_off" => choice(false, None),
        "traceidratio" => choice(true, Some(ratio)),
        _ => Err("expected always_on, always_off, traceidratio, or one of these behind parentbased_"),
    }
}

/// `name=value`, separated by commas. What is wrong is not shown.
fn parse_headers(text: &str) -> Result<Vec<(String, SecretString)>, &'static str> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let (name, value) = item.split_once('=').ok_or("expected name=value, separated by commas")?;
            let (name, value) = (name.trim(), value.trim());
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty()
                || !name.chars().all(is_name)
                || !value.chars().all(|c| c.is_ascii_graphic() || c == ' ')
            {
                return Err("a name or a value has characters that no header can have");
            }
            Ok((name.to_ascii_lowercase(), value.to_owned().into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_to_that_of_the_collector() {
        let endpoint = |text| parse_endpoint(text).map(String::from);
        assert_eq!(endpoint("http://127.0.0.1:4318"), Ok("http://127.0.0.1:4318/v1/traces".to_owned()));
        assert_eq!(endpoint("https://otel.example/in/"), Ok("https://otel.example/in/v1/traces".to_owned()));
        for wrong in
            ["otel.example:4318", "grpc://otel.example", "https://u:p@otel.example", "https://x/?a=b"]
        {
            assert!(parse_endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn samplers_are_those_of_the_standard() {
        let ratio = SamplerChoice { parent_based: true, on: true, ratio: Some(0.25) };
        assert_eq!(parse_sampler("parentbased_traceidratio", 0.25), Ok(ratio));
        let off = SamplerChoice { parent_based: false, on: false, ratio: None };
        assert_eq!(parse_sampler("always_off", 1.0), Ok(off));
        assert!(parse_sampler("parentbased_jaeger_remote", 1.0).is_err());
        assert!(parse_ratio("1.1").is_err() && parse_ratio("-0").is_ok() && parse_ratio("NaN").is_err());
    }

    #[test]
    fn n5_headers_that_make_no_sense_are_not_shown() {
        assert_eq!(parse_headers("Authorization=Bearer x, x-scope=a=b").unwrap().len(), 2);
        for wrong in ["hunter2", "a b=hunter2", "a=hunter2\u{1b}", "=hunter2"] {
            assert!(!parse_headers(wrong).unwrap_err().contains("hunter2"));
        }
    }
}
