//! The kinds that only traces have. Their names are those that every program with OpenTelemetry has.

use secrecy::SecretString;
use url::Url;

use super::words::{check_word, trimmed};
use super::{Reasons, all};

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SamplerChoice {
    /// Whether the decision of the one who began a trace counts.
    pub(crate) parent_based: bool,
    /// What is kept of the traces that begin here.
    pub(crate) root: RootSampler,
}

/// What is kept of the traces that begin here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RootSampler {
    AlwaysOn,
    AlwaysOff,
    /// This share of them.
    Ratio(f64),
}

impl SamplerChoice {
    /// The same; if it keeps a share, then this one.
    pub(crate) fn keeping(self, share: f64) -> Self {
        match self.root {
            RootSampler::Ratio(_) => Self { root: RootSampler::Ratio(share), ..self },
            RootSampler::AlwaysOn | RootSampler::AlwaysOff => self,
        }
    }
}

/// The address of a collector, to whose path that of traces is added (OpenTelemetry protocol exporter, "endpoint URLs").
pub(crate) fn parse_endpoint(text: &str) -> Result<Url, String> {
    check_word(text)?;
    let mut url = Url::parse(text).map_err(|_| "not an address such as http://127.0.0.1:4318".to_owned())?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain || url.fragment().is_some() {
        return Err("expected http or https, without a user, a query or a fragment".to_owned());
    }
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// A share of all.
pub(crate) fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// A sampler of the specification. The share that it keeps has a setting of its own.
pub(crate) fn parse_sampler(text: &str) -> Result<SamplerChoice, String> {
    let (parent_based, root) = text.strip_prefix("parentbased_").map_or((false, text), |root| (true, root));
    let root = match root {
        "always_on" => RootSampler::AlwaysOn,
        "always_off" => RootSampler::AlwaysOff,
        "traceidratio" => RootSampler::Ratio(1.0),
        _ => {
            let expected =
                "expected always_on, always_off, traceidratio, or one of these behind parentbased_";
            return Err(expected.to_owned());
        }
    };
    Ok(SamplerChoice { parent_based, root })
}

/// `name=value`, separated by commas. What is wrong is not shown.
pub(crate) fn parse_headers(text: &str) -> Result<Vec<(String, SecretString)>, Reasons> {
    let items = text.split(',').map(trimmed).filter(|item| !item.is_empty()).enumerate();
    let header =
        |(before, item)| parse_header(item).map_err(|reason| format!("header {}: {reason}", before + 1));
    all(items.map(header))
}

fn parse_header(item: &str) -> Result<(String, SecretString), &'static str> {
    let (name, value) = item.split_once('=').ok_or("expected name=value, separated by commas")?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_value = |c: char| c.is_ascii_graphic() || c == ' ';
    if name.is_empty() || !name.chars().all(is_name) || !value.chars().all(is_value) {
        return Err("a name or a value has characters that no header can have");
    }
    Ok((name.to_ascii_lowercase(), value.to_owned().into()))
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
        let ratio = SamplerChoice { parent_based: true, root: RootSampler::Ratio(0.25) };
        assert_eq!(parse_sampler("parentbased_traceidratio").unwrap().keeping(0.25), ratio);
        let off = SamplerChoice { parent_based: false, root: RootSampler::AlwaysOff };
        assert_eq!(parse_sampler("always_off").map(|sampler| sampler.keeping(0.25)), Ok(off));
        assert!(parse_sampler("parentbased_jaeger_remote").is_err());
        assert!(parse_ratio("1.1").is_err() && parse_ratio("-0").is_ok() && parse_ratio("NaN").is_err());
    }

    #[test]
    fn n5_headers_that_make_no_sense_are_not_shown() {
        assert_eq!(parse_headers("Authorization=Bearer x, x-scope=a=b").unwrap().len(), 2);
        for wrong in ["hunter2", "a b=hunter2", "a=hunter2\u{1b}", "=hunter2"] {
            assert!(!parse_headers(wrong).unwrap_err().join("").contains("hunter2"));
        }
        let both = parse_headers("hunter2, x-scope=a, =hunter2").unwrap_err();
        assert!(both.len() == 2 && both[1].starts_with("header 3: "), "{both:?}");
    }
}
