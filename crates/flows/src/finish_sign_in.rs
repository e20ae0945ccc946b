//! From the provider back to the frontend, with a user token.

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{ClientInfo, Next, Session, SessionId, UpstreamProfile, User, UserId};
use vestibule_plugin_host::Hook;
use vestibule_providers::{CodeExchange, Provider};
use vestibule_storage::{SignIn, SignInOutcome};

use crate::attempt::Attempt;
use crate::error::{error_code_from_provider, error_code_of};
use crate::{BrowserSecret, CallbackRefusal, FlowError, Flows};

/// What a provider sent back through the browser. Not `Debug`: it holds a state and a code.
#[derive(Default)]
pub struct Callback {
    /// The `state` parameter.
    pub state: Option<String>,
    /// The `code` parameter.
    pub code: Option<String>,
    /// The `error` parameter.
    pub error: Option<String>,
    /// The `iss` parameter (RFC 9207).
    pub issuer: Option<String>,
    /// The secret from the browser's cookie.
    pub browser: Option<BrowserSecret>,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// No provider's codes come near; what is longer is not worth a request to one.
const MAX_CODE_LENGTH: usize = 4096;

/// What of a callback decides how it goes on.
enum ProviderAnswer<'a> {
    Code(&'a str),
    Refusal(&'a str),
}

impl<'a> ProviderAnswer<'a> {
    fn of(callback: &'a Callback) -> Result<Self, CallbackRefusal> {
        match (callback.error.as_deref(), callback.code.as_deref()) {
            (Some(error), _) => Ok(Self::Refusal(error)),
            (None, Some(code)) if code.len() > MAX_CODE_LENGTH => Err(CallbackRefusal::CodeTooLong),
            (None, Some(code)) => Ok(Self::Code(code)),
            (None, None) => Err(CallbackRefusal::CodeMissing),
        }
    }
}

/// A sign-in that is properly over without a token: the `error` that the frontend gets.
struct Declined(&'static str);

impl Declined {
    fn by_provider(provider: &dyn Provider, code: &str) -> Self {
        let error = error_code_from_provider(code);
        tracing::info!(provider = %provider.name(), error, "the provider refused a sign-in");
        Self(error)
    }
}

impl Flows {
    /// Finishes a sign-in and answers where the browser goes: `next` with a `jwt`, or with an `error` when the provider,
    /// a plugin or the operator said no.
    ///
    /// The attempt is spent before the code is exchanged, by one insertion that can succeed once: of any number of
    /// identical callbacks one goes on. Until then nothing is redirected and nothing is written.
    pub async fn finish_sign_in(&self, callback: &Callback) -> Result<String, FlowError> {
        let state = callback.state.as_deref().ok_or(CallbackRefusal::StateMissing)?;
        let (attempt, browser) =
            Attempt::open(state, callback.browser.as_ref(), &self.parts.tokens, self.parts.clock.now())?;
        // INVARIANT: `next` was allowed when the attempt began; the settings may have changed since.
        let next = Next::parse(Some(&attempt.next), &self.settings.allowed_origins)?;
        let provider = self.parts.providers.find(&attempt.provider).ok_or(CallbackRefusal::ProviderGone)?;
        let answer = ProviderAnswer::of(callback)?;
        if !self.parts.storage.spend_attempt(&attempt.id, attempt.expires_at()).await? {
            return Err(CallbackRefusal::StateReplayed.into());
        }
        let outcome = match answer {
            ProviderAnswer::Refusal(code) => Err(Declined::by_provider(provider.as_ref(), code)),
            ProviderAnswer::Code(code) => {
                let exchange = CodeExchange {
                    code,
                    code_verifier: &browser.code_verifier(&attempt.id),
                    nonce: &browser.nonce(&attempt.id),
                    redirect_uri: &self.redirect_uri(),
                    issuer: callback.issuer.as_deref(),
                };
                self.sign_in(provider.as_ref(), &exchange, &callback.client).await?
            }
        };
        Ok(match outcome {
            Ok(token) => next.with_token(&self.home(), token.expose_secret()),
            Err(Declined(code)) => next.with_error(&self.home(), code),
        })
    }

    async fn sign_in(
        &self,
        provider: &dyn Provider,
        exchange: &CodeExchange<'_>,
        client: &ClientInfo,
    ) -> Result<Result<SecretString, Declined>, FlowError> {
        let profile = match provider.exchange(exchange).await {
            Ok(profile) => profile,
            Err(error) => {
                tracing::warn!(%error, "a sign-in failed at the provider");
                return Ok(Err(Declined(error_code_of(&error))));
            }
        };
        self.admit_sign_in(&profile.identity)?;
        match self.store(&profile, client).await? {
            SignInOutcome::Disabled => {
                tracing::warn!(provider = %provider.name(), "a disabled user tried to sign in");
                Ok(Err(Declined("account_disabled")))
            }
            SignInOutcome::SignedIn { user, session, is_new } => {
                tracing::info!(user = %user.id, provider = %provider.name(), is_new, "signed in");
                self.parts.plugins.forget_user(&user.id);
                self.welcome(user, &session, is_new).await
            }
        }
    }

    async fn store(
        &self,
        profile: &UpstreamProfile,
        client: &ClientInfo,
    ) -> Result<SignInOutcome, FlowError> {
        let randomness = self.parts.randomness.as_ref();
        let now = self.parts.clock.now();
        let sign_in = SignIn {
            profile,
            client,
            linking: self.settings.account_linking,
            id_scheme: self.settings.user_id_scheme,
            new_user_id: UserId::random(randomness),
            session_id: SessionId::random(randomness),
            now,
            expires_at: now.plus(self.settings.session_ttl),
        };
        Ok(self.parts.storage.finish_sign_in(&sign_in).await?)
    }

    /// Tells the extensions, and makes the token.
    async fn welcome(
        &self,
        mut user: User,
        session: &Session,
        is_new: bool,
    ) -> Result<Result<SecretString, Declined>, FlowError> {
        let hooks: &[Hook] = if is_new { &[Hook::NewUser, Hook::UserLogin] } else { &[Hook::UserLogin] };
        for hook in hooks {
            let outcome = self.parts.plugins.run_hook(*hook, user, &session.provider_id).await;
            user = outcome.user;
            if outcome.denied.is_some() {
                tracing::warn!(user = %user.id, "an extension refused a sign-in");
                self.parts.storage.revoke_session(&session.id, self.parts.clock.now()).await?;
                return Ok(Err(Declined("access_denied")));
            }
            if outcome.changed {
                self.keep_changes(&user).await?;
            }
        }
        let token = self.parts.tokens.issue_user_token(&user.id, &session.id, session.expires_at);
        token.map(Ok).map_err(|error| FlowError::Internal(error.to_string()))
    }

    /// Keeps what extensions changed about a user.
    pub(crate) async fn keep_changes(&self, user: &User) -> Result<(), FlowError> {
        let storage = &self.parts.storage;
        let (name, avatar_url) = (user.name.as_ref(), user.avatar_url.as_ref());
        storage.update_profile(&user.id, name, avatar_url, &user.attributes).await?;
        self.parts.plugins.forget_user(&user.id);
        Ok(())
    }
}
