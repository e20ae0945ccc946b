//! What people do: sign-ins, sign-outs, authorizations, tokens.

use std::borrow::Cow;

use prometheus_client::registry::Registry;
use vestibule_domain::ServiceName;
use vestibule_flows::{
    AuthorizationResult, CallbackRefusal, FlowObserver, IssuedToken, ProviderRefusal, SignInResult,
};

use crate::families::{Counters, counters, of_settings};

/// What people do. Names of providers and services come from the settings, all other labels from fixed sets.
pub struct PeopleMetrics {
    sign_ins_started: Counters<1>,
    sign_ins: Counters<2>,
    provider_refusals: Counters<2>,
    callbacks_refused: Counters<1>,
    sign_outs: Counters<1>,
    authorizations: Counters<2>,
    tokens_issued: Counters<2>,
    tokens_refused: Counters<1>,
}

impl PeopleMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let started = "Browsers that were sent to a provider";
        let sign_ins = "Sign-ins that came to an end, by provider and outcome";
        let refusals = "Answers of providers that say no, by provider and error code";
        let callbacks = "Callbacks that belong to no sign-in of the browser, by reason";
        let issued =
            "Tokens that were given, by kind, and whether they were signed for it or had been given before";
        let refused = "User tokens that were refused, by reason";
        Self {
            sign_ins_started: counters(registry, "sign_ins_started", started),
            sign_ins: counters(registry, "sign_ins", sign_ins),
            provider_refusals: counters(registry, "provider_refusals", refusals),
            callbacks_refused: counters(registry, "callbacks_refused", callbacks),
            sign_outs: counters(registry, "sign_outs", "Sign-outs, of one session or of all"),
            authorizations: counters(
                registry,
                "authorizations",
                "Requests for permissions, by service and outcome",
            ),
            tokens_issued: counters(registry, "tokens_issued", issued),
            tokens_refused: counters(registry, "tokens_refused", refused),
        }
    }
}

impl FlowObserver for PeopleMetrics {
    fn sign_in_started(&self, provider: &str) {
        self.sign_ins_started.get_or_create(&[("provider", of_settings(provider))]).inc();
    }

    fn sign_in_finished(&self, provider: &str, result: SignInResult) {
        let labels = [("provider", of_settings(provider)), ("outcome", result.as_str().into())];
        self.sign_ins.get_or_create(&labels).inc();
    }

    fn provider_refused(&self, provider: &str, refusal: ProviderRefusal) {
        let labels = [("provider", of_settings(provider)), ("code", refusal.code().into())];
        self.provider_refusals.get_or_create(&labels).inc();
    }

    fn callback_refused(&self, reason: CallbackRefusal) {
        self.callbacks_refused.get_or_create(&[("reason", reason.as_str().into())]).inc();
    }

    fn signed_out(&self, everywhere: bool) {
        let scope = if everywhere { "everywhere" } else { "session" };
        self.sign_outs.get_or_create(&[("scope", scope.into())]).inc();
    }

    fn authorized(&self, service: Option<&ServiceName>, result: AuthorizationResult) {
        let service = service.map_or(Cow::Borrowed("unknown"), |service| of_settings(service.as_str()));
        let labels = [("service", service), ("outcome", result.as_str().into())];
        self.authorizations.get_or_create(&labels).inc();
    }

    fn token_issued(&self, token: IssuedToken) {
        let (kind, source) = match token {
            IssuedToken::User => ("user", "signed"),
            IssuedToken::SignedPermission => ("permission", "signed"),
            IssuedToken::ReusedPermission => ("permission", "reused"),
        };
        self.tokens_issued.get_or_create(&[("kind", kind.into()), ("source", source.into())]).inc();
    }

    fn token_refused(&self, reason: &'static str) {
        self.tokens_refused.get_or_create(&[("reason", reason.into())]).inc();
    }
}
