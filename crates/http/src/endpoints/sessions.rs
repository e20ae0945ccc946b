//! Who is signed in, and the end of a session.

pub(crate) mod responses;

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use vestibule_flows::SessionCheck;

use super::examples;
use super::handler::handler;
use super::sign_in_page::SIGNED_OUT;
use super::tag::Tag;
use crate::app::App;
use crate::authn::{PresentedCredentials, is_navigation};
use crate::cookie::forget_session_cookie;
use crate::error::{Documented, Status, Statuses};
use crate::form::Form;
use crate::redirect::SeeOther;
use crate::responses::{Success, WithCookie};
use crate::run_to_completion::run_to_completion;

use responses::{ProviderAnswer, SessionAnswer, SignOutAnswer, SignOutOutcome, SignedIn, SignedOut};

pub(crate) struct SessionsApi;

/// The fields that `end_session` reads. Each may be a parameter of the query instead.
#[derive(Object)]
struct SignOutForm {
    /// The user token.
    jwt: Option<String>,
    /// `true` to end all sessions of the user.
    all: Option<String>,
    /// `cookie` to sign out the browser whose session cookie the request brings.
    session: Option<String>,
    /// Whatever else clients send: text, as every field of a form. It is ignored.
    #[oai(flatten)]
    others: BTreeMap<String, String>,
}

pub(crate) struct CheckFailures;

impl Statuses for CheckFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "`next` is not allowed, or the request has two different tokens."),
        Status::retry(503, "The database is out of reach, or a token handler cannot say whose the token is."),
    ];
}

pub(crate) struct SignOutFailures;

impl Statuses for SignOutFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "The request has two different tokens, or cannot be read."),
        Status::new(413, "The body is longer than 64 KiB."),
        Status::new(415, "The body is not a form."),
        Status::retry(503, "The database is out of reach."),
    ];
}

handler!(handle_check(app, context, _) => {
    let [next, session] = ["next", "session"].map(|name| context.query(name));
    SessionsApi.check_session(Data(app), context.credentials, next, session)
});

handler!(handle_end(app, context, mut body) => async {
    let form = Form::read(context.request, &mut body).await?;
    let all = context.query("all");
    SessionsApi.end_session(Data(app), context.request, context.credentials, all, form).await
});

#[OpenApi]
impl SessionsApi {
    /// Says who is signed in, or where one can
    ///
    /// With a good user token, or a bearer token that a token handler knows: the profile. Otherwise: the configured providers, each with what people call it and an address
    /// of this service that begins a sign-in there. `next` is looked at only then; absent, the sign-in ends at this service's own page.
    #[oai(path = "/auth/check", method = "get", tag = "Tag::Sessions", operation_id = "check_session")]
    pub(crate) async fn check_session(
        &self,
        app: Data<&Arc<App>>,
        credentials: PresentedCredentials<'_>,
        /// Where the person goes after signing in: an absolute address at one of the allowed origins.
        #[oai(example = "examples::next")]
        next: Query<Option<String>>,
        /// `cookie` lets the session cookie count where there is no token. For pages of the service itself.
        session: Query<Option<String>>,
    ) -> Result<Success<SessionAnswer>, Documented<CheckFailures>> {
        // Read with the credentials.
        drop(session);
        let authentication =
            app.flows.authenticate_stale_ok(credentials.single_of_anybody(&app, None)?).await?;
        Ok(Success(match app.flows.check_session(authentication, next.0.as_deref())? {
            SessionCheck::SignedIn(principal) => {
                SessionAnswer::SignedIn(SignedIn { authenticated: true, profile: principal.as_ref().into() })
            }
            SessionCheck::SignedOut(links) => {
                let providers = links.into_iter().map(|link| {
                    (link.provider.name, ProviderAnswer { url: link.url, label: link.provider.label })
                });
                let providers: BTreeMap<_, _> = providers.collect();
                SessionAnswer::SignedOut(SignedOut { authenticated: false, providers })
            }
        }))
    }

    /// Signs out
    ///
    /// Ends the session of the token, and with `all=true` every session of its user. Succeeds as well when the token is
    /// already dead. The extensions hear of it. A person whose browser sends a form with `session=cookie` is led to `/sign-in`.
    #[oai(path = "/auth/logout", method = "post", tag = "Tag::Sessions", operation_id = "end_session")]
    async fn end_session(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: PresentedCredentials<'_>,
        /// `true` to end all sessions of the user.
        all: Query<Option<String>>,
        form: Form<SignOutForm>,
    ) -> Result<SignOutOutcome, Documented<SignOutFailures>> {
        let everywhere = form.field_or("all", all.0.as_deref())? == Some("true");
        let credentials = credentials.single_or(&form)?;
        let session = app.flows.find_session_to_end(credentials).await?;
        let flows = Arc::clone(&app.flows);
        let client = app.trusted_proxies.client_info(request);
        let address = app.flows.settings().cookie_address();
        let cookie = address.filter(|_| credentials.token.is_none() && credentials.cookie.is_some());
        let cookie = cookie.map(forget_session_cookie);
        run_to_completion(async move { flows.sign_out(session, everywhere, &client).await }).await?;
        if form.field("session") == Some("cookie") && credentials.token.is_none() && is_navigation(request) {
            let page = SeeOther::to(&app.flows.settings().urls().sign_in_with_notice(SIGNED_OUT))?;
            return Ok(SignOutOutcome::Led(match cookie {
                Some(cookie) => page.with_cookie(&cookie)?,
                None => page,
            }));
        }
        Ok(SignOutOutcome::Told(WithCookie { answer: Success(SignOutAnswer { success: true }), cookie }))
    }
}
