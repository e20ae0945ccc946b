//! Who is signed in, and the end of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use vestibule_flows::SessionCheck;

use super::{Tag, examples};
use crate::App;
use crate::answers::{ProviderAnswer, SessionAnswer, SignOutAnswer, SignedIn, SignedOut};
use crate::completion::to_its_end;
use crate::credential::Credential;
use crate::failure::{Failure, Status, Statuses};
use crate::form::Form;
use crate::success::Success;

pub(crate) struct SessionsApi;

pub(crate) struct CheckFailures;

impl Statuses for CheckFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "`next` is not allowed, or the request has two different tokens."),
        Status::retry(503, "The database is out of reach."),
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

#[OpenApi]
impl SessionsApi {
    /// Says who is signed in, or where one can
    ///
    /// With a good user token: the profile. Otherwise: the configured providers, each with an address of this service
    /// that begins a sign-in there. `next` is looked at only then; absent, the sign-in ends at this service's own page.
    #[oai(path = "/auth/check", method = "get", tag = "Tag::Sessions", operation_id = "check_session")]
    pub(crate) async fn check_session(
        &self,
        app: Data<&Arc<App>>,
        credential: Credential,
        /// Where the person goes after signing in: an absolute address at one of the allowed origins.
        #[oai(example = "examples::next")]
        next: Query<Option<String>>,
    ) -> Result<Success<SessionAnswer>, Failure<CheckFailures>> {
        let authentication = app.flows.authenticate_stale_ok(credential.presented()?).await?;
        Ok(Success(match app.flows.check_session(authentication, next.0.as_deref())? {
            SessionCheck::SignedIn(principal) => {
                SessionAnswer::SignedIn(SignedIn { authenticated: true, profile: principal.as_ref().into() })
            }
            SessionCheck::SignedOut(links) => {
                let providers: BTreeMap<_, _> =
                    links.into_iter().map(|link| (link.name, ProviderAnswer { url: link.url })).collect();
                SessionAnswer::SignedOut(SignedOut { authenticated: false, providers })
            }
        }))
    }

    /// Signs out
    ///
    /// Ends the session of the token, and with `all=true` every session of its user. Succeeds as well when the token is
    /// already dead. The extensions hear of it.
    #[oai(path = "/auth/logout", method = "post", tag = "Tag::Sessions", operation_id = "end_session")]
    async fn end_session(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credential: Credential,
        /// `true` to end all sessions of the user.
        all: Query<Option<String>>,
        form: Form,
    ) -> Result<Success<SignOutAnswer>, Failure<SignOutFailures>> {
        let everywhere = form.field_or("all", all.0.as_deref())? == Some("true");
        let token = credential.presented_or(form.field("jwt"))?;
        let session = app.flows.find_session_to_end(token).await?;
        let flows = Arc::clone(&app.flows);
        let client = app.settings.trusted_proxies.client_info(request);
        to_its_end(async move { flows.sign_out(session, everywhere, &client).await }).await?;
        Ok(Success(SignOutAnswer { success: true }))
    }
}
