//! Requests to providers.

use std::time::Duration;

use prometheus_client::registry::Registry;
use vestibule_domain::ProviderName;
use vestibule_upstream::{Step, UpstreamObserver, UpstreamOutcome};

use crate::families::{Counters, Histograms, Labels, counters, histograms, of_settings};

/// Requests to providers.
pub struct UpstreamMetrics {
    requests: Counters<2>,
    seconds: Histograms<Labels<1>>,
    incomplete: Counters<2>,
}

impl UpstreamMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        Self {
            requests: counters(
                registry,
                "upstream_requests",
                "Requests to providers, by provider and outcome",
            ),
            incomplete: counters(
                registry,
                "upstream_incomplete_sign_ins",
                "Answers of providers that a sign-in went on without, by provider and what was asked",
            ),
            seconds: histograms(registry, "upstream_request", "Time of a request to a provider"),
        }
    }
}

impl UpstreamObserver for UpstreamMetrics {
    fn request(&self, provider: &ProviderName, outcome: UpstreamOutcome, duration: Duration) {
        let provider = ("provider", of_settings(provider.as_str()));
        self.seconds.get_or_create(std::array::from_ref(&provider)).observe(duration.as_secs_f64());
        self.requests.get_or_create(&[provider, ("outcome", outcome.as_str().into())]).inc();
    }

    fn incomplete(&self, provider: &ProviderName, step: Step) {
        let labels = [("provider", of_settings(provider.as_str())), ("missing", step.as_str().into())];
        self.incomplete.get_or_create(&labels).inc();
    }
}
