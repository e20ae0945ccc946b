//! What a person lent to programs of their own.

mod responses;

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use vestibule_domain::GrantId;
use vestibule_flows::{Changing, Ending, FlowError, GrantPlace};

use super::caller::{client, principal};
use super::handler::handler;
use super::statuses::{
    MALFORMED, NO_USER, NOBODY, NOT_JSON, NOT_NOW, NOT_THEIRS, TOO_LARGE, TOO_MANY, statuses,
};
use super::tag::Tag;
use super::tokens::read;
use crate::app::App;
use crate::authn::AnyCredentials;
use crate::error::{ApiError, Documented, Status};
use crate::json_body::JsonBody;
use crate::paging::{USUAL_LIMIT, limit};
use crate::responses::{NoContent, Success};
use crate::run_to_completion::run_to_completion;
use crate::whose::{self, refuse_everybody, whose};

use responses::{GrantDocument, GrantList};

pub(crate) struct GrantsApi;

const UNKNOWN: Status =
    Status::new(404, "There is no such user, or the user has no such grant that is alive.");

statuses! {
    ListFailures: [MALFORMED, NOBODY, NOT_THEIRS, NO_USER, TOO_MANY, NOT_NOW];
    ChangeFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    EndFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
}

handler!(handle_list(app, context, _) => async {
    let [user, all, cursor] = ["user", "all", "cursor"].map(|name| context.query(name));
    let limit = Query(limit(context.query("limit").0.as_deref())?);
    GrantsApi.list_grants(Data(app), AnyCredentials(context.credentials), user, all, cursor, limit).await
});

handler!(handle_change(app, context, mut body) => async {
    refuse_everybody(&context)?;
    let (id, user) = (context.path().ok_or(ApiError::NotFound)?, context.query("user"));
    let body = JsonBody::read(context.request, &mut body).await?;
    GrantsApi.update_grant(Data(app), context.request, AnyCredentials(context.credentials), id, user, body).await
});

handler!(handle_revoke(app, context, _) => async {
    refuse_everybody(&context)?;
    let (id, user) = (context.path().ok_or(ApiError::NotFound)?, context.query("user"));
    GrantsApi.revoke_grant(Data(app), context.request, AnyCredentials(context.credentials), id, user).await
});

#[OpenApi]
impl GrantsApi {
    /// Lists what the person lent to programs
    ///
    /// The grants that are alive, the latest first. An administrator, in the browser, lists those of another, or everybody's, each with
    /// the id of its `user`.
    #[oai(path = "/auth/grants", method = "get", tag = "Tag::TokenPairs", operation_id = "list_grants")]
    async fn list_grants(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// The id of the user whose grants an administrator lists.
        user: Query<Option<String>>,
        /// `true`: an administrator lists everybody's.
        all: Query<Option<String>>,
        /// Where the list goes on: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many there are on a page at most; 100 unless said.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
    ) -> Result<Success<GrantList>, Documented<ListFailures>> {
        let limit = limit.0.unwrap_or(USUAL_LIMIT);
        let whose = whose(user.0.as_deref(), all.0.as_deref())?;
        let place = read::cursor(cursor.0.as_deref(), |created_at, id| {
            Some(GrantPlace { created_at, id: GrantId::parse(id).ok()? })
        })?;
        let view = app.flows.require_view(&principal(&app, &credentials.0).await?, whose).await?;
        let page = app.flows.list_grants(&view, place.as_ref(), limit).await?;
        Ok(Success(GrantList::new(&page, view.user().is_none())))
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
        /// The id of the user whose grant an administrator narrows.
        user: Query<Option<String>>,
        body: JsonBody,
    ) -> Result<Success<GrantDocument>, Documented<ChangeFailures>> {
        let (user, principal) = (whose::user(user.0.as_deref())?, principal(&app, &credentials.0).await?);
        let authority = app.flows.require_authority::<Changing>(&principal, user).await?;
        let (id, asked) = (grant_id(&id.0)?, read::narrowing(body.0)?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let grant =
            run_to_completion(async move { flows.narrow_grant(&authority, &id, asked, &client).await });
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
        /// The id of the user whose grant an administrator ends.
        user: Query<Option<String>>,
    ) -> Result<NoContent, Documented<EndFailures>> {
        let (user, principal) = (whose::user(user.0.as_deref())?, principal(&app, &credentials.0).await?);
        let authority = app.flows.require_authority::<Ending>(&principal, user).await?;
        let id = grant_id(&id.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        run_to_completion(async move { flows.revoke_grant(&authority, &id, &client).await }).await?;
        Ok(NoContent)
    }
}

/// A text that is no id is the id of no grant.
fn grant_id(text: &str) -> Result<GrantId, ApiError> {
    GrantId::parse(text).map_err(|_| FlowError::NotFound("grant").into())
}
