//! The way through a provider and back.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use vestibule_domain::CallbackPath;
use vestibule_flows::{Callback, FlowError, SignInError, SignInHints};

use super::examples;
use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::cookie::{find_browser_secret, find_session_cookie, set_browser_secret, set_session_cookie};
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};
use crate::redirect::SeeOther;
use crate::request_context::HeadersOnly;
use crate::run_to_completion::run_to_completion;

pub(crate) struct SignInApi;

pub(crate) struct StartFailures;

impl Statuses for StartFailures {
    const ALL: &'static [Status] = &[
        Status::new(
            400,
            "`next` is not allowed, or `prompt`, `login_hint` or `step_up` is not one that is understood.",
        ),
        Status::new(404, "There is no provider of this name."),
        Status::retry(429, "Too many requests from this address."),
    ];
    const FORMAT: ErrorFormat = ErrorFormat::Negotiated;
}

pub(crate) struct FinishFailures;

const NOT_THEIRS: Status = Status::new(
    400,
    "The state is missing, forged, expired, used, of another provider, or from another browser; the page says which. \
     Or the provider said no without a state.",
);
const TOO_MANY: Status = Status::retry(429, "Too many requests from this address or for this account.");
const NOT_NOW: Status = Status::retry(
    503,
    "The database is out of reach, or too many sign-ins are being finished. The same address may be asked again, unless it \
     then says that the sign-in was used.",
);

impl Statuses for FinishFailures {
    const ALL: &'static [Status] = &[NOT_THEIRS, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Html;
}

pub(crate) struct FinishProviderFailures;

impl Statuses for FinishProviderFailures {
    const ALL: &'static [Status] =
        &[NOT_THEIRS, Status::new(404, "There is no provider of this name."), TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Html;
}

handler!(handle_start(app, context, _) => async {
    let provider = context.path().ok_or(ApiError::NotFound)?;
    let [next, prompt, login_hint, step_up] =
        ["next", "prompt", "login_hint", "step_up"].map(|name| context.query(name));
    SignInApi.start_sign_in(Data(app), context.request, provider, next, prompt, login_hint, step_up).await
});

handler!(handle_finish(app, context, _) => {
    let [state, code, error, iss] = ["state", "code", "error", "iss"].map(|name| context.query(name));
    SignInApi.finish_sign_in(Data(app), context.request, state, code, error, iss)
});

handler!(handle_finish_provider(app, context, _) => async {
    let provider = context.path().ok_or(ApiError::NotFound)?;
    let [state, code, error, iss] = ["state", "code", "error", "iss"].map(|name| context.query(name));
    SignInApi.finish_provider_sign_in(Data(app), context.request, provider, state, code, error, iss).await
});

#[OpenApi]
impl SignInApi {
    /// Begins a sign-in
    ///
    /// Redirects to the provider, and sets a cookie that ties the attempt to this browser for ten minutes. When the
    /// provider is out of reach it redirects to `next` with `error=temporarily_unavailable`. A failure is a page for
    /// clients that accept `text/html`, as browsers do, and JSON for all others.
    #[oai(
        path = "/auth/login/:provider",
        method = "get",
        tag = "Tag::SignIn",
        operation_id = "start_sign_in"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn start_sign_in(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// The provider's name: `google`, `github`, or one from the settings.
        #[oai(example = "examples::provider")]
        provider: Path<String>,
        /// Where the person goes after signing in: an absolute address at one of the allowed origins.
        #[oai(example = "examples::next")]
        next: Query<Option<String>>,
        /// What the provider is to ask of the person: `select_account` to choose among accounts, `login` to sign in anew, or
        /// another one of OpenID Connect. It is passed on, unless the settings say otherwise; GitHub knows `select_account` alone.
        prompt: Query<Option<String>>,
        /// Who probably signs in: an address, or a name at the provider. It is passed on.
        login_hint: Query<Option<String>>,
        /// `1` for a person who is to show once more who they are. `next` has to be a page of the service itself.
        step_up: Query<Option<String>>,
    ) -> Result<SeeOther, Documented<StartFailures>> {
        let flows = &app.flows;
        let external = &flows.settings().external_address;
        let browser = find_browser_secret(request, external);
        let hints = SignInHints::new(prompt.0.as_deref(), login_hint.0.as_deref());
        let hints = hints.and_then(|hints| hints.with_step_up(step_up.0.as_deref()));
        let hints = hints.map_err(|error| FlowError::from(SignInError::from(error)))?;
        let started = flows.start_sign_in(&provider.0, next.0.as_deref(), hints, browser).await?;
        Ok(SeeOther::to(&started.location)?.with_cookie(&set_browser_secret(&started.browser, external))?)
    }

    /// Finishes a sign-in with Google or GitHub
    ///
    /// The redirect URI that is registered at Google and GitHub, and at no other provider. Redirects to `next` with a `jwt`
    /// parameter that holds the user token; or with `error` when the provider said no (`access_denied`), is out of reach
    /// (`temporarily_unavailable`), sends a statement that is false (`sign_in_failed`), or the user is disabled
    /// (`account_disabled`).
    #[oai(
        path = "/auth/oauth_callback",
        method = "get",
        tag = "Tag::SignIn",
        operation_id = "finish_sign_in"
    )]
    async fn finish_sign_in(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// What the redirect to the provider carried.
        state: Query<Option<String>>,
        /// The provider's authorization code.
        code: Query<Option<String>>,
        /// The provider's refusal (RFC 6749 section 4.1.2.1).
        error: Query<Option<String>>,
        /// The provider's issuer (RFC 9207).
        iss: Query<Option<String>>,
    ) -> Result<SeeOther, Documented<FinishFailures>> {
        Ok(finish(&app, request, Answer { state, code, error, iss }).await?)
    }

    /// Finishes a sign-in with any other provider
    ///
    /// The redirect URI that is registered at the provider of this name, and at no other: the answer of one provider
    /// is never taken at the address of another. All else is as with Google and GitHub.
    #[oai(
        path = "/auth/callback/:provider",
        method = "get",
        tag = "Tag::SignIn",
        operation_id = "finish_provider_sign_in"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn finish_provider_sign_in(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// The provider's name in the settings, as it is written there; neither `google` nor `github`.
        #[oai(example = "examples::own_provider")]
        provider: Path<String>,
        /// What the redirect to the provider carried.
        state: Query<Option<String>>,
        /// The provider's authorization code.
        code: Query<Option<String>>,
        /// The provider's refusal (RFC 6749 section 4.1.2.1).
        error: Query<Option<String>>,
        /// The provider's issuer (RFC 9207).
        iss: Query<Option<String>>,
    ) -> Result<SeeOther, Documented<FinishProviderFailures>> {
        // The path as it was sent says more: whether the name is written as it is.
        drop(provider);
        Ok(finish(&app, request, Answer { state, code, error, iss }).await?)
    }
}

/// What a provider sends back, as it is in the query.
struct Answer {
    state: Query<Option<String>>,
    code: Query<Option<String>>,
    error: Query<Option<String>>,
    iss: Query<Option<String>>,
}

async fn finish(app: &App, request: &Request, answer: Answer) -> Result<SeeOther, ApiError> {
    reject_prefetch(request)?;
    let flows = Arc::clone(&app.flows);
    let external = &app.flows.settings().external_address;
    let callback = Callback {
        path: CallbackPath::parse(request.uri().path())
            .ok_or_else(|| FlowError::from(SignInError::UnknownProvider))?,
        state: answer.state.0.filter(|state| !state.is_empty()),
        code: answer.code.0.filter(|code| !code.is_empty()),
        error: answer.error.0.filter(|error| !error.is_empty()),
        issuer: answer.iss.0,
        browser: find_browser_secret(request, external),
        session_cookie: flows.settings().cookie_address().and_then(|at| find_session_cookie(request, at)),
        client: app.trusted_proxies.client_info(request),
    };
    let finished = run_to_completion(async move { flows.finish_sign_in(&callback).await }).await?;
    let redirect = SeeOther::to(&finished.location)?;
    match finished.session_cookie {
        Some((cookie, life)) => redirect.with_cookie(&set_session_cookie(&cookie, life, external)),
        None => Ok(redirect),
    }
}

/// A browser that fetches ahead, or only wants the headers, must not spend the one callback there is.
fn reject_prefetch(request: &Request) -> Result<(), ApiError> {
    let prefetch = ["sec-purpose", "purpose"]
        .iter()
        .filter_map(|name| request.header(name))
        .any(|v| v.contains("prefetch"));
    if prefetch || request.data::<HeadersOnly>().is_some() { Err(ApiError::Prefetch) } else { Ok(()) }
}
