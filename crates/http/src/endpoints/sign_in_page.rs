//! The page where people choose how to sign in.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem::{IntoResponse, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{ApiResponse, OpenApi};
use vestibule_flows::{FlowError, OwnSignIn, StepUpNotice};

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::{PageCookie, PresentedCredentials};
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};
use crate::pages::{self, SignInPage};
use crate::redirect::SeeOther;

/// The notice to somebody who has just signed out.
pub(crate) const SIGNED_OUT: &str = "signed_out";

pub(crate) struct SignInPageApi;

pub(crate) struct ShowFailures;

impl Statuses for ShowFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "`next` is no page of the service itself."),
        Status::new(404, "Session cookies are turned off."),
        Status::retry(503, "The database is out of reach."),
    ];
    const FORMAT: ErrorFormat = ErrorFormat::Html;
}

/// The page, or the way to the only provider there is.
pub(crate) enum SignInAnswer {
    Page(Response),
    Provider(SeeOther),
}

impl IntoResponse for SignInAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page,
            Self::Provider(redirect) => redirect.into_response(),
        }
    }
}

impl ApiResponse for SignInAnswer {
    fn meta() -> MetaResponses {
        let page = MetaResponse {
            description: "The page.",
            status: Some(StatusCode::OK.as_u16()),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "text/html; charset=utf-8",
                schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
            }],
            headers: vec![],
        };
        let responses = [page].into_iter().chain(SeeOther::meta().responses).collect();
        MetaResponses { responses }
    }

    fn register(_: &mut Registry) {}
}

handler!(handle_show(app, context, _) => async {
    let [next, error, notice] = ["next", "error", "notice"].map(|name| context.query(name));
    SignInPageApi.show_sign_in(Data(app), PageCookie(context.credentials), next, error, notice).await
});

#[OpenApi]
impl SignInPageApi {
    /// Shows the ways to sign in
    ///
    /// For people who sign in at the service itself, which then knows their browser by a cookie and puts nothing into the address. With
    /// one provider, and nothing to say, it leads there at once. Frontends need it not: they link to the providers themselves.
    #[oai(path = "/sign-in", method = "get", tag = "Tag::SignIn", operation_id = "show_sign_in")]
    async fn show_sign_in(
        &self,
        app: Data<&Arc<App>>,
        credentials: PageCookie<'_>,
        /// The page of the service itself that follows, as a path or an absolute address.
        next: Query<Option<String>>,
        /// Why the last attempt came to nothing.
        error: Query<Option<String>>,
        /// What there is to say about the last attempt.
        notice: Query<Option<String>>,
    ) -> Result<SignInAnswer, Documented<ShowFailures>> {
        Ok(show(&app, &credentials.0, [next, error, notice].map(|parameter| parameter.0)).await?)
    }
}

async fn show(
    app: &App,
    credentials: &PresentedCredentials<'_>,
    [next, error, notice]: [Option<String>; 3],
) -> Result<SignInAnswer, ApiError> {
    let credentials = credentials.single()?;
    let OwnSignIn { next, links } =
        app.flows.list_own_sign_in(next.as_deref())?.ok_or(FlowError::NotFound("page"))?;
    let principal = app.flows.authenticate(credentials).await?.into_principal();
    let is_signed_out = principal.is_none();
    // A form of another site signs nobody out, and is not to say that it did.
    let notice = notice.as_deref().filter(|notice| is_signed_out || *notice != SIGNED_OUT);
    let is_error = is_signed_out && notice != Some(SIGNED_OUT);
    let notice = sentence(error.as_deref(), notice);
    if let ([only], None, None) = (links.as_slice(), &principal, notice) {
        return Ok(SignInAnswer::Provider(SeeOther::to(&only.url)?));
    }
    let name = principal.as_ref().map(|principal| principal.user().shown_name());
    let page = SignInPage {
        notice,
        is_error,
        signed_in: name,
        next: next.as_deref().unwrap_or_default(),
        links: &links,
    };
    Ok(SignInAnswer::Page(pages::sign_in(&page)))
}

/// Only these sentences are ever shown: what is in the address can be written by anybody.
fn sentence(error: Option<&str>, notice: Option<&str>) -> Option<&'static str> {
    let of_notice = notice.and_then(StepUpNotice::parse).map(|notice| match notice {
        StepUpNotice::AnotherUser => {
            "You signed in with another account than before. The earlier sign-in in this browser is over."
        }
        StepUpNotice::NotAskedAgain => {
            "The provider let you pass without asking who you are. Sign out there, or choose another way to sign in, and try again."
        }
    });
    let of_notice = of_notice.or_else(|| (notice == Some(SIGNED_OUT)).then_some("You are signed out."));
    let of_error = match error {
        None | Some("") => None,
        Some("access_denied") => Some("The sign-in was declined."),
        Some("account_disabled") => Some("This account is disabled. Ask the people who run this service."),
        Some("temporarily_unavailable") => Some(
            "The provider is out of reach right now. Try again in a moment, or choose another way to sign in.",
        ),
        Some(_) => Some("The sign-in could not be finished. Try again, or choose another way to sign in."),
    };
    of_error.or(of_notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g9_what_is_shown_is_ours_whatever_the_address_says() {
        assert_eq!(sentence(None, None), None);
        assert_eq!(sentence(Some(""), Some("")), None);
        assert_eq!(sentence(None, Some("<script>")), None);
        let unknown = sentence(Some("<script>alert(1)</script>"), None).unwrap();
        assert!(!unknown.contains('<'));
        assert_ne!(sentence(Some("access_denied"), None).unwrap(), unknown);
        for notice in ["another_user", "not_asked_again", "signed_out"] {
            assert!(sentence(None, Some(notice)).is_some(), "{notice}");
        }
    }
}
