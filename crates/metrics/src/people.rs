//! What is counted about people, tokens, providers and the database. Labels have few values: names of providers and
//! services come from the settings, everything else from fixed sets.

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::{Histograms, histogram};

/// Names and values of so many labels.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// The counters of the service. Cheap to clone; all clones count into the same place.
#[derive(Clone)]
pub struct ServiceMetrics {
    sign_ins_started: Counters<1>,
    sign_ins: Counters<2>,
    callbacks_refused: Counters<1>,
    rate_limited: Counters<2>,
    sign_outs: Counters<1>,
    authorizations: Counters<2>,
    tokens_issued: Counters<2>,
    tokens_refused: Counters<1>,
    upstream_requests: Counters<2>,
    upstream_seconds: Histograms<Labels<1>>,
    database_operations: Counters<2>,
    database_seconds: Histograms<Labels<1>>,
}

impl ServiceMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self {
            sign_ins_started: Family::default(),
            sign_ins: Family::default(),
            callbacks_refused: Family::default(),
            rate_limited: Family::default(),
            sign_outs: Family::default(),
            authorizations: Family::default(),
            tokens_issued: Family::default(),
            tokens_refused: Family::default(),
            upstream_requests: Family::default(),
            upstream_seconds: Histograms::new_with_constructor(histogram),
            database_operations: Family::default(),
            database_seconds: Histograms::new_with_constructor(histogram),
        };
        new.register_people(registry);
        new.register_surroundings(registry);
        new
    }

    fn register_people(&self, registry: &mut Registry) {
        let started = "Browsers that were sent to a provider";
        registry.register("sign_ins_started", started, self.sign_ins_started.clone());
        let sign_ins = "Sign-ins that came to an end, by provider and outcome";
        registry.register("sign_ins", sign_ins, self.sign_ins.clone());
        let callbacks = "Callbacks that belong to no sign-in of the browser, by reason";
        registry.register("callbacks_refused", callbacks, self.callbacks_refused.clone());
        let limited =
            "Requests that were refused because there were too many, by operation and whose they were";
        registry.register("rate_limited", limited, self.rate_limited.clone());
        registry.register("sign_outs", "Sign-outs, of one session or of all", self.sign_outs.clone());
        let authorizations = "Requests for permissions, by service and outcome";
        registry.register("authorizations", authorizations, self.authorizations.clone());
        let issued =
            "Tokens that were given, by kind, and whether they were signed for it or had been given before";
        registry.register("tokens_issued", issued, self.tokens_issued.clone());
        let refused = "User tokens that were refused, by reason";
        registry.register("tokens_refused", refused, self.tokens_refused.clone());
    }

    fn register_surroundings(&self, registry: &mut Registry) {
        let requests = "Requests to providers, by provider and outcome";
        registry.register("upstream_requests", requests, self.upstream_requests.clone());
        let seconds = "Time of a request to a provider";
        registry.register_with_unit(
            "upstream_request",
            seconds,
            Unit::Seconds,
            self.upstream_seconds.clone(),
        );
        let operations = "Operations on the database, by kind and outcome";
        registry.register("database_operations", operations, self.database_operations.clone());
        let seconds = "Time of an operation on the database with its wait for a connection";
        registry.register_with_unit(
            "database_operation",
            seconds,
            Unit::Seconds,
            self.database_seconds.clone(),
        );
    }

    /// A browser was sent to a provider.
    pub fn count_sign_in_started(&self, provider: &str) {
        self.sign_ins_started.get_or_create(&[("provider", of_settings(provider))]).inc();
    }

    /// A sign-in came to an end.
    pub fn count_sign_in(&self, provider: &str, outcome: &'static str) {
        let labels = [("provider", of_settings(provider)), ("outcome", outcome.into())];
        self.sign_ins.get_or_create(&labels).inc();
    }

    /// A callback was refused.
    pub fn count_callback_refused(&self, reason: &'static str) {
        self.callbacks_refused.get_or_create(&[("reason", reason.into())]).inc();
    }

    /// A request was refused because there were too many of an address, or for an account.
    pub(crate) fn count_rate_limited(&self, operation: &'static str, by: &'static str) {
        self.rate_limited.get_or_create(&[("operation", operation.into()), ("by", by.into())]).inc();
    }

    /// Somebody signed out.
    pub fn count_sign_out(&self, everywhere: bool) {
        let scope = if everywhere { "everywhere" } else { "session" };
        self.sign_outs.get_or_create(&[("scope", scope.into())]).inc();
    }

    /// Somebody asked for permissions; without a service when it is none of ours.
    pub fn count_authorization(&self, service: Option<&str>, outcome: &'static str) {
        let service = service.map_or(Cow::Borrowed("unknown"), of_settings);
        self.authorizations.get_or_create(&[("service", service), ("outcome", outcome.into())]).inc();
    }

    /// A token was given.
    pub fn count_token_issued(&self, kind: &'static str, source: &'static str) {
        self.tokens_issued.get_or_create(&[("kind", kind.into()), ("source", source.into())]).inc();
    }

    /// A user token was refused.
    pub fn count_token_refused(&self, reason: &'static str) {
        self.tokens_refused.get_or_create(&[("reason", reason.into())]).inc();
    }

    /// A request to a provider ended.
    pub fn count_upstream_request(&self, provider: &str, outcome: &'static str, duration: Duration) {
        let provider = ("provider", of_settings(provider));
        self.upstream_seconds.get_or_create(std::array::from_ref(&provider)).observe(duration.as_secs_f64());
        self.upstream_requests.get_or_create(&[provider, ("outcome", outcome.into())]).inc();
    }

    /// An operation on the database ended.
    pub fn count_database_operation(&self, kind: &'static str, outcome: &'static str, duration: Duration) {
        let kind = ("operation", Cow::Borrowed(kind));
        self.database_seconds.get_or_create(std::array::from_ref(&kind)).observe(duration.as_secs_f64());
        self.database_operations.get_or_create(&[kind, ("outcome", outcome.into())]).inc();
    }
}

fn of_settings(name: &str) -> Cow<'static, str> {
    Cow::Owned(name.to_owned())
}
