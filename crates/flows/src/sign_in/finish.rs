//! From the provider back to the frontend, with a user token.

use secrecy::SecretString;
use vestibule_domain::{
    AuditEvent, AuditName, CallbackPath, ClientInfo, Session, SessionId, UpstreamProfile, User, UserId,
};
use vestibule_plugin_host::{Hook, HookOutcome};
use vestibule_storage::{PatchedUser, SignIn, SignInOutcome};
use vestibule_upstream::{CodeExchange, ExchangePermit, Provider};

use crate::sign_in::arrival::{Arrival, SessionBefore};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::finished::{FinishedSignIn, NewCredential};
use crate::sign_in::outcome::{CompletedSignIn, RejectedSignIn};
use crate::{
    BrowserSecret, CallbackRefusal, FlowError, Flows, IssuedToken, ProviderRefusal, SessionCookie,
    SignInError, SignInResult,
};

/// What a provider sent back through the browser. Not `Debug`: it holds a state and a code.
pub struct Callback {
    /// Where it came.
    pub path: CallbackPath,
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
    /// The browser's session cookie, which a new sign-in replaces.
    pub session_cookie: Option<SessionCookie>,
    /// Where the request came from.
    pub client: ClientInfo,
}

impl Callback {
    /// What a callback without a state is: perhaps the provider said no, in which case that is what the person should read.
    fn refusal_without_state(&self) -> CallbackRefusal {
        match self.error.as_deref().map(ProviderRefusal::of) {
            None => CallbackRefusal::StateMissing,
            Some(refusal) if refusal.is_of_person() => CallbackRefusal::DeclinedWithoutState,
            Some(_) => CallbackRefusal::RefusedWithoutState,
        }
    }
}

/// No provider's codes come near; what is longer is not worth a request to one.
const MAX_CODE_LENGTH: usize = 4096;

/// What of a callback decides how it goes on.
enum ProviderAnswer<'a> {
    Code(&'a str),
    Refusal(&'a str),
    /// It names another issuer, so it may be of any of them (RFC 9207 section 2.4).
    OfAnotherIssuer,
}

impl<'a> ProviderAnswer<'a> {
    fn of(callback: &'a Callback, provider: &dyn Provider) -> Result<Self, CallbackRefusal> {
        match (callback.error.as_deref(), callback.code.as_deref()) {
            _ if callback.issuer.as_deref().is_some_and(|issuer| !provider.answers_as(issuer)) => {
                Ok(Self::OfAnotherIssuer)
            }
            (Some(error), _) => Ok(Self::Refusal(error)),
            (None, Some(code)) if code.len() > MAX_CODE_LENGTH => Err(CallbackRefusal::CodeTooLong),
            (None, Some(code)) => Ok(Self::Code(code)),
            (None, None) => Err(CallbackRefusal::CodeMissing),
        }
    }
}

impl Flows {
    /// Finishes a sign-in.
    ///
    /// The attempt is spent before the code is exchanged, by one insertion that can succeed once: of any number of
    /// identical callbacks one goes on. Until then nothing is redirected and nothing is written; a callback that finds no place
    /// among the exchanges with its provider has spent nothing. Nor does a provider that said no, or an answer that names
    /// another issuer: anybody can make it up, as often as they like, and no code of it is used.
    pub async fn finish_sign_in(&self, callback: &Callback) -> Result<FinishedSignIn, FlowError> {
        let outcome = self.handle_callback(callback).await;
        if let Err(FlowError::SignIn(SignInError::Callback(reason))) = &outcome {
            self.dependencies.observer.callback_refused(*reason);
            match reason {
                CallbackRefusal::StateReplayed => self.log_replay(callback, reason.as_str()),
                CallbackRefusal::WrongCallback => self.log_refusal(None, callback, reason.as_str(), None),
                CallbackRefusal::DeclinedWithoutState | CallbackRefusal::RefusedWithoutState => {
                    let code = callback.error.as_deref().map(|text| ProviderRefusal::of(text).code());
                    self.log_refusal(None, callback, reason.as_str(), code);
                }
                _ => {}
            }
        }
        outcome
    }

    async fn handle_callback(&self, callback: &Callback) -> Result<FinishedSignIn, FlowError> {
        let (attempt, browser) = self.open_attempt(callback)?;
        // INVARIANT: `next` was allowed when the attempt began; the settings may have changed since.
        let destination = self.parse_next(Some(&attempt.next))?;
        let provider =
            self.dependencies.providers.find(&attempt.provider).ok_or(CallbackRefusal::ProviderGone)?;
        let outcome = match ProviderAnswer::of(callback, provider.as_ref())? {
            ProviderAnswer::Refusal(code) => {
                self.observe_refusal(provider.name(), code);
                Ok(Err(RejectedSignIn::by_provider(code)))
            }
            ProviderAnswer::OfAnotherIssuer => {
                if self.admits_refusal_line("another_issuer") {
                    tracing::warn!(provider = %provider.name(), "iss names another issuer than the one that was asked");
                }
                Ok(Err(RejectedSignIn::new("sign_in_failed", SignInResult::StatementRefused)))
            }
            ProviderAnswer::Code(code) => {
                let exchange = CodeExchange {
                    code,
                    code_verifier: &browser.code_verifier(&attempt.id),
                    nonce: &browser.nonce(&attempt.id),
                    redirect_uri: &self.settings.urls().redirect_uri(provider.name()),
                    issuer: callback.issuer.as_deref(),
                };
                // INVARIANT: the place comes before the attempt, so that a caller who is refused may come again.
                let permit = self.permit_exchange(provider.as_ref()).await?;
                self.spend(&attempt).await?;
                let arrival =
                    Arrival::new(callback, &attempt, &destination, self.dependencies.randomness.as_ref());
                // In a box: it is large.
                Box::pin(self.sign_in(provider.as_ref(), &exchange, permit, &arrival)).await
            }
        };
        self.observe_outcome(provider.name(), &outcome, callback);
        Ok(match outcome? {
            Ok(completed) => {
                FinishedSignIn::signed_in(&destination, completed.credential, self.settings.urls())
            }
            Err(RejectedSignIn { error, .. }) => {
                FinishedSignIn::rejected(self.location_of_error(&destination, error))
            }
        })
    }

    /// The attempt that a callback belongs to. An address of no provider is none, unless the state shows that there was one.
    fn open_attempt<'c>(&self, callback: &'c Callback) -> Result<(Attempt, &'c BrowserSecret), FlowError> {
        let state = callback.state.as_deref().ok_or_else(|| callback.refusal_without_state());
        let (browser, now) = (callback.browser.as_ref(), self.dependencies.clock.now());
        let opened = state
            .and_then(|state| Attempt::open(state, &callback.path, browser, &self.dependencies.tokens, now));
        let is_known = match &callback.path {
            CallbackPath::Shared => true,
            CallbackPath::Own(provider) => self.dependencies.providers.find(provider.as_str()).is_some(),
        };
        opened.map_err(|refusal| if is_known { refusal.into() } else { SignInError::UnknownProvider.into() })
    }

    /// Goes on for one of any number of identical callbacks.
    async fn spend(&self, attempt: &Attempt) -> Result<(), FlowError> {
        let is_first = self.dependencies.storage.spend_attempt(&attempt.id, attempt.expires_at()).await?;
        if is_first { Ok(()) } else { Err(CallbackRefusal::StateReplayed.into()) }
    }

    async fn permit_exchange(&self, provider: &dyn Provider) -> Result<ExchangePermit, FlowError> {
        let permit = provider.permit().await;
        if permit.is_err() {
            self.observe_sign_in(provider.name(), SignInResult::ProviderBusy);
        }
        Ok(permit?)
    }

    async fn sign_in(
        &self,
        provider: &dyn Provider,
        exchange: &CodeExchange<'_>,
        permit: ExchangePermit,
        arrival: &Arrival<'_>,
    ) -> Result<Result<CompletedSignIn, RejectedSignIn>, FlowError> {
        let profile = match provider.exchange(exchange, &permit).await {
            Ok(profile) => profile,
            Err(error) => {
                if self.admits_refusal_line("provider_failed") {
                    tracing::warn!(%error, "a sign-in failed at the provider");
                }
                return Ok(Err(RejectedSignIn::because_of(&error)));
            }
        };
        self.admit_sign_in(&profile.identity)?;
        self.note_unverified_email(&profile);
        let before = self.find_session_before(arrival).await?;
        let stored = self.store(profile, arrival).await;
        // Held until here, so that those who must wait for the database wait before their attempt is spent.
        drop(permit);
        match stored? {
            SignInOutcome::Disabled => {
                Ok(Err(RejectedSignIn::new("account_disabled", SignInResult::AccountDisabled)))
            }
            SignInOutcome::EmailUnknown => {
                Ok(Err(RejectedSignIn::new("temporarily_unavailable", SignInResult::ProviderUnavailable)))
            }
            SignInOutcome::SignedIn { user, session, is_new } => {
                self.dependencies.plugins.forget_user(&user.id);
                self.complete(user, &session, is_new, (arrival, before)).await
            }
        }
    }

    async fn store(
        &self,
        profile: UpstreamProfile,
        arrival: &Arrival<'_>,
    ) -> Result<SignInOutcome, FlowError> {
        let randomness = self.dependencies.randomness.as_ref();
        let now = self.dependencies.clock.now();
        let life = match &arrival.cookie {
            Some(_) => self.dependencies.storage.session_limits().max_age,
            None => self.settings.session_ttl,
        };
        let sign_in = SignIn {
            profile,
            client: arrival.client.clone(),
            linking: self.settings.account_linking,
            id_scheme: self.settings.user_id_scheme,
            new_user_id: UserId::random(randomness),
            session_id: SessionId::random(randomness),
            now,
            expires_at: now.plus(life),
            browser: arrival.cookies(),
        };
        Ok(self.dependencies.storage.finish_sign_in(sign_in).await?)
    }

    /// Tells the extensions, and makes the token if there is to be one.
    async fn complete(
        &self,
        mut user: User,
        session: &Session,
        is_new: bool,
        (arrival, before): (&Arrival<'_>, Option<SessionBefore>),
    ) -> Result<Result<CompletedSignIn, RejectedSignIn>, FlowError> {
        let hooks: &[Hook] = if is_new { &[Hook::NewUser, Hook::UserLogin] } else { &[Hook::UserLogin] };
        let mut has_waited = false;
        for hook in hooks {
            let outcome = self.dependencies.plugins.run_hook(*hook, user, &session.provider_id).await;
            has_waited |= outcome.was_told;
            if outcome.denied.is_some() {
                let now = self.dependencies.clock.now();
                let event =
                    AuditEvent::by_user(AuditName::SignInRefused, &session.user_id, arrival.client, now);
                let event = event.in_session(&session.id).refused(SignInResult::DeniedByExtension.as_str());
                self.dependencies.storage.revoke_session(&session.user_id, &session.id, now, &event).await?;
                return Ok(Err(RejectedSignIn::new("access_denied", SignInResult::DeniedByExtension)));
            }
            user = self.keep_changes(outcome).await?;
        }
        let credential = match &arrival.cookie {
            Some(cookie) => NewCredential::Cookie {
                cookie: cookie.clone(),
                life: session
                    .ends_at(&self.dependencies.storage.session_limits())
                    .since(session.signed_in_at),
                notice: before.and_then(|before| before.notice(session)),
            },
            None => NewCredential::Token(self.issue_user_token(&user, session).await?),
        };
        // INVARIANT: what a session is held by is not given out if the session was ended while an extension was asked.
        if has_waited && let Some(declined) = self.find_end(session).await? {
            return Ok(Err(declined));
        }
        if matches!(credential, NewCredential::Token(_)) {
            self.dependencies.observer.token_issued(IssuedToken::User);
        }
        Ok(Ok(CompletedSignIn { credential, is_new }))
    }

    async fn issue_user_token(&self, user: &User, session: &Session) -> Result<SecretString, FlowError> {
        let tokens = &self.dependencies.tokens;
        Ok(tokens.issue_user_token_queued(&user.id, &session.id, session.expires_at).await?)
    }

    /// Who was signed in in a browser whose person was to show once more who they are.
    async fn find_session_before(&self, arrival: &Arrival<'_>) -> Result<Option<SessionBefore>, FlowError> {
        let (Some(since), Some(old)) = (arrival.stepping_up_since, arrival.old_cookie) else {
            return Ok(None);
        };
        let (storage, now) = (&self.dependencies.storage, self.dependencies.clock.now());
        let live = storage.find_live_session_by_cookie(&old.digest(), now).await?;
        Ok(live.map(|live| SessionBefore { user: live.user.id, since }))
    }

    /// Why a sign-in comes to nothing whose session is over already.
    async fn find_end(&self, session: &Session) -> Result<Option<RejectedSignIn>, FlowError> {
        let (storage, now) = (&self.dependencies.storage, self.dependencies.clock.now());
        if storage.find_live_session(&session.id, &session.user_id, now).await?.is_some() {
            return Ok(None);
        }
        let user = storage.find_user(&session.user_id).await?;
        Ok(Some(match user {
            Some(user) if user.disabled_at.is_none() => {
                RejectedSignIn::new("sign_in_failed", SignInResult::Failed)
            }
            _ => RejectedSignIn::new("account_disabled", SignInResult::AccountDisabled),
        }))
    }

    /// Applies what extensions change to the user as it is now, and answers that.
    pub(crate) async fn keep_changes(&self, outcome: HookOutcome) -> Result<User, FlowError> {
        let HookOutcome { user, patches, .. } = outcome;
        if patches.is_empty() {
            return Ok(user);
        }
        let (aliases, patches): (Vec<_>, Vec<_>) =
            patches.into_iter().map(|extension| (extension.alias, extension.patch)).unzip();
        let outcome = self.dependencies.storage.patch_user(&user.id, patches).await?;
        self.dependencies.plugins.forget_user(&user.id);
        // The user was deleted meanwhile; there is nothing to change.
        let Some(PatchedUser { user, refused }) = outcome else { return Ok(user) };
        for (number, error) in refused {
            let alias = aliases.get(number).map_or("", String::as_str);
            self.dependencies.plugins.refuse_patch(alias, error);
        }
        Ok(user)
    }
}
