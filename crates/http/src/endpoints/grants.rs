//! What a person lent to programs of their own.

mod responses;

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use vestibule_domain::GrantId;
use vestibule_flows::FlowError;

use super::caller::{client, full_person};
use super::handler::handler;
use super::tag::Tag;
use super::tokens::read;
use crate::app::App;
use crate::authn::AnyCredentials;
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};
use crate::json_body::JsonBody;
use crate::responses::{NoContent, Success};
use crate::run_to_completion::run_to_completion;

use responses::{GrantDocument, GrantList};

pub(crate) struct GrantsApi;

const MALFORMED: Status = Status::new(400, "What is asked for cannot be; the description names the member.");
const NOBODY: Status = Status::new(401, "Not signed in.");
const NOT_THEIRS: Status = Status::new(
    403,
    "A credential of this kind may not do this (`wrong_credential`), or another site asks (`cross_origin`).",
);
const UNKNOWN: Status = Status::new(404, "The person has no such grant that is alive.");
const TOO_LARGE: Status = Status::new(413, "The body is longer than 64 KiB.");
const NOT_JSON: Status = Status::new(415, "The body is not JSON.");
const TOO_MANY: Status = Status::retry(429, "Too many requests came.");
const NOT_NOW: Status = Status::retry(503, "The database is out of reach.");

pub(crate) struct ListFailures;

impl Statuses for ListFailures {
    const ALL: &'static [Status] = &[MALFORMED, NOBODY, NOT_THEIRS, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct ChangeFailures;

impl Statuses for ChangeFailures {
    const ALL: &'static [Status] =
        &[MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct EndFailures;

impl Statuses for EndFailures {
    const ALL: &'static [Status] = &[MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

handler!(handle_list(app, context, _) => {
    GrantsApi.list_grants(Data(app), AnyCredentials(context.credentials))
});

handler!(handle_change(app, context, mut body) => async {
    let id = context.path().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    GrantsApi.update_grant(Data(app), context.request, AnyCredentials(context.credentials), id, body).await
});

handler!(handle_revoke(app, context, _) => async {
    let id = context.path().ok_or(ApiError::NotFound)?;
    GrantsApi.revoke_grant(Data(app), context.request, AnyCredentials(context.credentials), id).await
});

#[OpenApi]
impl GrantsApi {
    /// Lists what the person lent to programs
    ///
    /// The grants that are alive, the one used last first.
    #[oai(path = "/auth/grants", method = "get", tag = "Tag::TokenPairs", operation_id = "list_grants")]
    async fn list_grants(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
    ) -> Result<Success<GrantList>, Documented<ListFailures>> {
        let person = full_person(&app, &credentials.0).await?;
        Ok(Success(GrantList::from(app.flows.list_own_grants(&person).await?.as_slice())))
    }

    /// Lets a grant lend less
    ///
    /// Fewer services or scopes, for the tokens that its program has already as well.
    #[oai(
        path = "/auth/grants/:id",
        method = "patch",
        tag = "Tag::TokenPairs",
        operation_id = "update_grant"
    )]
    async fn update_grant(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The grant's id.
        id: Path<String>,
        body: JsonBody,
    ) -> Result<Success<GrantDocument>, Documented<ChangeFailures>> {
        let person = full_person(&app, &credentials.0).await?;
        let (id, asked) = (grant_id(&id.0)?, read::narrowing(body.0)?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let grant =
            run_to_completion(async move { flows.narrow_own_grant(&person, &id, asked, &client).await });
        Ok(Success(GrantDocument::from(&grant.await?)))
    }

    /// Ends a grant
    ///
    /// With every token of it, within a second.
    #[oai(
        path = "/auth/grants/:id",
        method = "delete",
        tag = "Tag::TokenPairs",
        operation_id = "revoke_grant"
    )]
    async fn revoke_grant(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The grant's id.
        id: Path<String>,
    ) -> Result<NoContent, Documented<EndFailures>> {
        let person = full_person(&app, &credentials.0).await?;
        let id = grant_id(&id.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        run_to_completion(async move { flows.revoke_own_grant(&person, &id, &client).await }).await?;
        Ok(NoContent)
    }
}

/// A text that is no id is the id of no grant.
fn grant_id(text: &str) -> Result<GrantId, ApiError> {
    GrantId::parse(text).map_err(|_| FlowError::NotFound("grant").into())
}
