//! What a sign-in came to: for the counters, the log and the frontend.

use std::borrow::Cow;

use vestibule_domain::{Actor, AuditEvent, AuditName, ProviderName, UpstreamProfile};
use vestibule_storage::log_audit_event;
use vestibule_upstream::ProviderError;

use super::finish::Callback;
use super::finished::NewCredential;
use crate::error::error_code_of;
use crate::{FlowError, Flows, ProviderRefusal, SignInResult};

/// A sign-in that is properly over without a token: the `error` that the frontend gets, what it is counted as, and what the
/// provider said if it was the provider who ended it.
pub(super) struct RejectedSignIn {
    pub(super) error: &'static str,
    result: SignInResult,
    code: Option<Cow<'static, str>>,
}

impl RejectedSignIn {
    pub(super) fn new(error: &'static str, result: SignInResult) -> Self {
        Self { error, result, code: None }
    }

    pub(super) fn by_provider(code: &str) -> Self {
        let refusal = ProviderRefusal::of(code);
        let code = Some(ProviderRefusal::for_log(code));
        Self { error: refusal.error(), result: refusal.result(), code }
    }

    pub(super) fn because_of(error: &ProviderError) -> Self {
        let result = match error {
            ProviderError::Unavailable { .. } => SignInResult::ProviderUnavailable,
            ProviderError::Refused { .. } => SignInResult::StatementRefused,
        };
        Self::new(error_code_of(error), result)
    }
}

/// A sign-in that succeeded: what its session is held by, and whether the user is new.
pub(super) struct CompletedSignIn {
    pub(super) credential: NewCredential,
    pub(super) is_new: bool,
}

impl Flows {
    pub(super) fn observe_outcome(
        &self,
        provider: &ProviderName,
        outcome: &Result<Result<CompletedSignIn, RejectedSignIn>, FlowError>,
        callback: &Callback,
    ) {
        self.observe_sign_in(
            provider,
            match outcome {
                Ok(Ok(CompletedSignIn { is_new: true, .. })) => SignInResult::NewUser,
                Ok(Ok(CompletedSignIn { is_new: false, .. })) => SignInResult::SignedIn,
                Ok(Err(RejectedSignIn { result, .. })) => *result,
                Err(FlowError::TooManyRequests { .. }) => SignInResult::RateLimited,
                Err(_) => SignInResult::Failed,
            },
        );
        match outcome {
            // If the user is known, there is an event in the database.
            Ok(
                Ok(_)
                | Err(RejectedSignIn {
                    result: SignInResult::AccountDisabled | SignInResult::DeniedByExtension,
                    ..
                }),
            ) => {}
            Ok(Err(RejectedSignIn { result, code, .. })) => {
                self.log_refusal(Some(provider), callback, result.as_str(), code.as_deref());
            }
            Err(_) => self.log_refusal(Some(provider), callback, SignInResult::Failed.as_str(), None),
        }
    }

    pub(crate) fn observe_sign_in(&self, provider: &ProviderName, result: SignInResult) {
        self.dependencies.observer.sign_in_finished(provider.as_str(), result);
    }

    /// Counts what a provider said in the place of a code.
    pub(super) fn observe_refusal(&self, provider: &ProviderName, code: &str) {
        self.dependencies.observer.provider_refused(provider.as_str(), ProviderRefusal::of(code));
    }

    /// In the log alone: anybody can be refused as often as they like, and the database must not grow from it.
    pub(super) fn log_refusal(
        &self,
        provider: Option<&ProviderName>,
        callback: &Callback,
        reason: &'static str,
        code: Option<&str>,
    ) {
        self.log_event(AuditName::SignInRefused, provider, callback, reason, code);
    }

    /// The same for an attempt that was used before.
    pub(super) fn log_replay(&self, callback: &Callback, reason: &'static str) {
        self.log_event(AuditName::SignInReplayed, None, callback, reason, None);
    }

    fn log_event(
        &self,
        name: AuditName,
        provider: Option<&ProviderName>,
        callback: &Callback,
        reason: &'static str,
        code: Option<&str>,
    ) {
        if !self.admits_refusal_line(reason) {
            return;
        }
        let event = AuditEvent::new(name, Actor::Anybody, self.dependencies.clock.now())
            .from_client(&callback.client);
        let mut event = event.with_detail("path", callback.path.to_string());
        if let Some(code) = code {
            event = event.with_detail("code", code.to_owned());
        }
        let provider = provider.map(|provider| provider.as_str().to_owned());
        log_audit_event(&AuditEvent { provider, ..event.refused(reason) });
    }

    /// Tells the operator once for each provider that there are people whose address counts for nothing because the provider does
    /// not say that it is verified.
    pub(super) fn note_unverified_email(&self, profile: &UpstreamProfile) {
        let (provider, issuer) = (profile.provider.as_str(), profile.identity.issuer.as_str());
        let trusted = self.dependencies.storage.providers();
        let Some(address) = &profile.unverified_email else { return };
        let counts = profile.verified_email.is_some() || trusted.vouches_for_email(provider, issuer, address);
        if !counts && self.unverified_emails.is_first(provider) {
            tracing::warn!(
                provider,
                "the provider does not state that the address of a person is verified, so it counts for nothing; if it gives out the \
                 addresses of a domain itself, name the domain in trusted_email_domains of [providers.{provider}]"
            );
        }
    }
}
