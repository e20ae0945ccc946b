//! From our own login address to the provider.

use vestibule_domain::{AttemptId, Destination};
use vestibule_upstream::AuthorizationRequest;

use crate::error::error_code_of;
use crate::sign_in::attempt::Attempt;
use crate::{BrowserSecret, FlowError, Flows, HintError, SignInError, SignInHints, SignInResult};

/// Where the browser goes, and what it must keep. Not `Debug`: the location holds a state.
pub struct StartedSignIn {
    /// The provider's page; or, when the provider is out of reach, `next` with an `error`.
    pub location: String,
    /// The secret that the callback will ask for.
    pub browser: BrowserSecret,
}

impl Flows {
    /// Begins a sign-in at a provider. A browser that has sign-ins under way keeps its secret, so that each of its tabs
    /// can finish. Nothing is written.
    pub async fn start_sign_in(
        &self,
        provider: &str,
        next: Option<&str>,
        hints: SignInHints<'_>,
        browser: Option<BrowserSecret>,
    ) -> Result<StartedSignIn, FlowError> {
        let provider = self.dependencies.providers.find(provider).ok_or(SignInError::UnknownProvider)?;
        let next = self.parse_next(next)?;
        if hints.is_step_up() && matches!(next, Destination::Next(_)) {
            return Err(SignInError::from(HintError::StepUp).into());
        }
        let browser = browser.unwrap_or_else(|| BrowserSecret::random(self.dependencies.randomness.as_ref()));
        let id = AttemptId::random(self.dependencies.randomness.as_ref());
        let now = self.dependencies.clock.now();
        let state = Attempt::new(id.clone(), provider.name(), &next, &browser, now)
            .with_step_up(hints.is_step_up())
            .seal(&self.dependencies.tokens)?;
        let request = AuthorizationRequest {
            state: &state,
            code_verifier: &browser.code_verifier(&id),
            nonce: &browser.nonce(&id),
            redirect_uri: &self.settings.urls().redirect_uri(provider.name()),
            prompt: hints.prompt(),
            login_hint: hints.login_hint(),
            max_age: hints.max_age(),
        };
        let location = match provider.authorization_url(&request).await {
            Ok(url) => {
                self.dependencies.observer.sign_in_started(provider.name().as_str());
                url.into()
            }
            Err(error) => {
                self.observe_sign_in(provider.name(), SignInResult::ProviderUnavailable);
                tracing::warn!(provider = %provider.name(), %error, "a sign-in could not begin");
                self.location_of_error(&next, error_code_of(&error))
            }
        };
        Ok(StartedSignIn { location, browser })
    }
    /// Where a browser goes whose sign-in came to nothing.
    pub(super) fn location_of_error(&self, destination: &Destination, code: &str) -> String {
        let urls = self.settings.urls();
        match destination {
            Destination::Next(next) => next.with_error(&urls.home(), code),
            Destination::OwnPage(page) => urls.sign_in(page, ("error", code)),
        }
    }
}
