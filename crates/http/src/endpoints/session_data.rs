//! What an app keeps in a session.

mod responses;

use std::sync::Arc;

use poem::Request;
use poem::http::{HeaderName, header};
use poem::web::Data;
use poem_openapi::OpenApi;
use vestibule_domain::SessionData;
use vestibule_flows::{DataChange, FlowError, SeenVersion};

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::{PresentedCredentials, SessionCredentials};
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};
use crate::json_body::JsonBody;
use crate::run_to_completion::run_to_completion;

use responses::{Cleared, DataAnswer};

pub(crate) struct SessionDataApi;

pub(crate) struct WriteFailures;

const MALFORMED: Status =
    Status::new(400, "The body is no JSON object, or the request has two different tokens or versions.");
const NOBODY: Status = Status::new(401, "Not signed in, or the session has ended.");
const NOT_THEIRS: Status = Status::new(
    403,
    "The page that asks is at the origin of no app (`unknown_app`), or the credential may not do this (`wrong_credential`).",
);
const NO_SESSION: Status =
    Status::new(409, "The credential has no session, or too many apps keep data in it.");
const TOO_LARGE: Status =
    Status::new(413, "The object has more than 8 KiB or 8 levels, or the body more than 64 KiB.");
const NOT_JSON: Status = Status::new(415, "The body is not JSON.");
const UNCONDITIONAL: Status = Status::new(428, "`If-Match` or `If-None-Match: *` is missing.");
const TOO_MANY: Status = Status::retry(429, "More than 120 writes in a minute.");
const NOT_NOW: Status = Status::retry(503, "The database is out of reach.");

impl Statuses for WriteFailures {
    const ALL: &'static [Status] =
        &[MALFORMED, NOBODY, NOT_THEIRS, NO_SESSION, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct ReplaceFailures;

impl Statuses for ReplaceFailures {
    const ALL: &'static [Status] =
        &[MALFORMED, NOBODY, NOT_THEIRS, NO_SESSION, TOO_LARGE, NOT_JSON, UNCONDITIONAL, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct ClearFailures;

impl Statuses for ClearFailures {
    const ALL: &'static [Status] = &[MALFORMED, NOBODY, NOT_THEIRS, NO_SESSION, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

handler!(handle_replace(app, context, mut body) => async {
    let body = JsonBody::read(context.request, &mut body).await?;
    SessionDataApi.replace_session_data(Data(app), context.request, SessionCredentials(context.credentials), body).await
});

handler!(handle_update(app, context, mut body) => async {
    let body = JsonBody::read(context.request, &mut body).await?;
    SessionDataApi.update_session_data(Data(app), context.request, SessionCredentials(context.credentials), body).await
});

handler!(handle_clear(app, context, _) => {
    SessionDataApi.clear_session_data(Data(app), context.request, SessionCredentials(context.credentials))
});

#[OpenApi]
impl SessionDataApi {
    /// Replaces what the app keeps in the session
    ///
    /// `If-Match` names the version that is replaced, or `If-None-Match: *` says that there is none yet, so that no writer overwrites
    /// what it has not seen. The app is the one at the origin of the page that asks; with a session handle, the one that it is for.
    #[oai(
        path = "/auth/session/data",
        method = "put",
        tag = "Tag::Sessions",
        operation_id = "replace_session_data"
    )]
    async fn replace_session_data(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: SessionCredentials<'_>,
        body: JsonBody,
    ) -> Result<DataAnswer, Documented<ReplaceFailures>> {
        let data = SessionData::new(body.0).map_err(FlowError::SessionData)?;
        Ok(write(&app, request, &credentials.0, None, DataChange::Replace(data)).await?)
    }

    /// Changes what the app keeps in the session
    ///
    /// By a merge patch (RFC 7396). Without `If-Match` it applies to whichever version there is, so that two writers of two members
    /// both count.
    #[oai(
        path = "/auth/session/data",
        method = "patch",
        tag = "Tag::Sessions",
        operation_id = "update_session_data"
    )]
    async fn update_session_data(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: SessionCredentials<'_>,
        body: JsonBody,
    ) -> Result<DataAnswer, Documented<WriteFailures>> {
        let any = Some(SeenVersion::Any);
        Ok(write(&app, request, &credentials.0, any, DataChange::Patch(body.0)).await?)
    }

    /// Empties what the app keeps in the session
    ///
    /// With `If-Match` only that version. The object keeps its versions: what is written next is not taken for what was there.
    #[oai(
        path = "/auth/session/data",
        method = "delete",
        tag = "Tag::Sessions",
        operation_id = "clear_session_data"
    )]
    async fn clear_session_data(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: SessionCredentials<'_>,
    ) -> Result<Cleared, Documented<ClearFailures>> {
        let any = Some(SeenVersion::Any);
        Ok(Cleared(write(&app, request, &credentials.0, any, DataChange::Clear).await?))
    }
}

/// Writes. A request that names no version is taken as `unconditional`; without that it is refused, once it is known who asks.
async fn write(
    app: &App,
    request: &Request,
    credentials: &PresentedCredentials<'_>,
    unconditional: Option<SeenVersion>,
    change: DataChange,
) -> Result<DataAnswer, ApiError> {
    let principal = app.flows.authenticate(credentials.single()?).await?.require()?;
    let writer = app.flows.authorize_session_data(&principal, request.header(header::ORIGIN))?;
    let seen = seen_version(request)?.or(unconditional).ok_or(ApiError::PreconditionRequired)?;
    let flows = Arc::clone(&app.flows);
    let outcome =
        run_to_completion(async move { flows.write_session_data(&writer, seen, &change).await }).await?;
    Ok(DataAnswer::new(outcome, request))
}

/// The version that a writer has seen, as the request states it (RFC 9110 sections 13.1.1 and 13.1.2).
fn seen_version(request: &Request) -> Result<Option<SeenVersion>, ApiError> {
    let (matches, none) = (single(request, &header::IF_MATCH)?, single(request, &header::IF_NONE_MATCH)?);
    match (matches, none) {
        (None, None) => Ok(None),
        (Some("*"), None) => Ok(Some(SeenVersion::Any)),
        (None, Some("*")) => Ok(Some(SeenVersion::Exactly(0))),
        (Some(tag), None) => {
            let version = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let digits =
                version.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
            // A tag of another form is of no version that there is.
            Ok(Some(SeenVersion::Exactly(digits.and_then(|text| text.parse().ok()).unwrap_or(-1))))
        }
        _ => Err(ApiError::InvalidVersion),
    }
}

fn single<'r>(request: &'r Request, name: &HeaderName) -> Result<Option<&'r str>, ApiError> {
    let mut values = request.headers().get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(|text| Some(text.trim())).map_err(|_| ApiError::InvalidVersion)
        }
        (Some(_), Some(_)) => Err(ApiError::InvalidVersion),
    }
}
