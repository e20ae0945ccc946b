//! Passes what the other crates observe on to the metrics. None of them knows what a metric is.

mod plugins;
mod readings;

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::{ProviderName, ServiceName};
use vestibule_flows::{AuthorizationResult, CallbackRefusal, FlowObserver, IssuedToken, SignInResult};
use vestibule_http::ServiceMetrics;
use vestibule_storage::{OperationKind, OperationOutcome, StorageObserver};
use vestibule_upstream::{UpstreamObserver, UpstreamOutcome};

pub(super) use plugins::{PluginObserver, watch as watch_plugins};
pub(super) use readings::{Watched, watch};

/// Observes people, tokens, providers and the database.
pub(super) struct ServiceObserver(ServiceMetrics);

impl ServiceObserver {
    pub(super) fn new(metrics: &ServiceMetrics) -> Arc<Self> {
        Arc::new(Self(metrics.clone()))
    }
}

impl FlowObserver for ServiceObserver {
    fn sign_in_started(&self, provider: &str) {
        self.0.count_sign_in_started(provider);
    }

    fn sign_in_finished(&self, provider: &str, result: SignInResult) {
        self.0.count_sign_in(provider, result.as_str());
    }

    fn callback_refused(&self, reason: CallbackRefusal) {
        self.0.count_callback_refused(reason.as_str());
    }

    fn signed_out(&self, everywhere: bool) {
        self.0.count_sign_out(everywhere);
    }

    fn authorized(&self, service: Option<&ServiceName>, result: AuthorizationResult) {
        self.0.count_authorization(service.map(ServiceName::as_str), result.as_str());
    }

    fn token_issued(&self, token: IssuedToken) {
        let (kind, source) = match token {
            IssuedToken::User => ("user", "signed"),
            IssuedToken::SignedPermission => ("permission", "signed"),
            IssuedToken::ReusedPermission => ("permission", "reused"),
        };
        self.0.count_token_issued(kind, source);
    }

    fn token_refused(&self, reason: &'static str) {
        self.0.count_token_refused(reason);
    }
}

impl UpstreamObserver for ServiceObserver {
    fn request(&self, provider: &ProviderName, outcome: UpstreamOutcome, duration: Duration) {
        self.0.count_upstream_request(provider.as_str(), outcome.as_str(), duration);
    }
}

impl StorageObserver for ServiceObserver {
    fn operation(&self, kind: OperationKind, outcome: OperationOutcome, duration: Duration) {
        self.0.count_database_operation(kind.as_str(), outcome.as_str(), duration);
    }
}
