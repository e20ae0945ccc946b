//! The tokens that people make for their programs.

pub(super) mod read;
pub(super) mod responses;

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use vestibule_domain::ApiTokenId;
use vestibule_flows::{Changing, Ending, FlowError, FreshActing};

use super::caller::{client, principal};
use super::handler::handler;
use super::statuses::{
    MALFORMED, NO_USER, NOBODY, NOT_JSON, NOT_NOW, NOT_THEIRS, TOO_LARGE, TOO_MANY, statuses,
};
use super::tag::Tag;
use crate::app::App;
use crate::authn::AnyCredentials;
use crate::error::{ApiError, Documented, Status};
use crate::json_body::JsonBody;
use crate::paging::{USUAL_LIMIT, limit};
use crate::responses::{Created, NoContent, Success};
use crate::run_to_completion::run_to_completion;
use crate::whose::{self, refuse_everybody, refuse_others, whose};

use responses::{MadeTokenDocument, TokenDocument, TokenList};

pub(crate) struct TokensApi;

const UNKNOWN: Status =
    Status::new(404, "There is no such user, or the user has no such token that is alive.");
const FULL: Status =
    Status::new(409, "There are too many (`limit_reached`), or it was replaced already (`already_rotated`).");

statuses! {
    ListFailures: [MALFORMED, NOBODY, NOT_THEIRS, NO_USER, TOO_MANY, NOT_NOW];
    MakeFailures: [MALFORMED, NOBODY, NOT_THEIRS, FULL, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    ChangeFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    RotateFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, FULL, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    EndFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
}

handler!(handle_list(app, context, _) => async {
    let [user, all, cursor] = ["user", "all", "cursor"].map(|name| context.query(name));
    let limit = Query(limit(context.query("limit").0.as_deref())?);
    TokensApi.list_tokens(Data(app), AnyCredentials(context.credentials), user, all, cursor, limit).await
});

handler!(handle_make(app, context, mut body) => async {
    refuse_others(&context)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    TokensApi.create_token(Data(app), context.request, AnyCredentials(context.credentials), body).await
});

handler!(handle_revoke_all(app, context, _) => async {
    refuse_everybody(&context)?;
    let user = context.query("user");
    TokensApi.revoke_tokens(Data(app), context.request, AnyCredentials(context.credentials), user).await
});

handler!(handle_change(app, context, mut body) => async {
    refuse_everybody(&context)?;
    let (id, user) = (context.path().ok_or(ApiError::NotFound)?, context.query("user"));
    let body = JsonBody::read(context.request, &mut body).await?;
    TokensApi.update_token(Data(app), context.request, AnyCredentials(context.credentials), id, user, body).await
});

handler!(handle_rotate(app, context, mut body) => async {
    refuse_others(&context)?;
    let id = context.path().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    TokensApi.rotate_token(Data(app), context.request, AnyCredentials(context.credentials), id, body).await
});

handler!(handle_revoke(app, context, _) => async {
    refuse_everybody(&context)?;
    let (id, user) = (context.path().ok_or(ApiError::NotFound)?, context.query("user"));
    TokensApi.revoke_token(Data(app), context.request, AnyCredentials(context.credentials), id, user).await
});

/// The id by which a token ends itself.
const CURRENT: &str = "current";

#[OpenApi]
impl TokensApi {
    /// Lists the tokens of the person
    ///
    /// Those that are alive, the latest first. Their texts are known to nobody but those who were shown them. An administrator, in the
    /// browser, lists those of another, or everybody's, each with the id of its `user`.
    #[oai(path = "/auth/tokens", method = "get", tag = "Tag::Tokens", operation_id = "list_tokens")]
    async fn list_tokens(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// The id of the user whose tokens an administrator lists.
        user: Query<Option<String>>,
        /// `true`: an administrator lists everybody's.
        all: Query<Option<String>>,
        /// Where the list goes on: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many there are on a page at most; 100 unless said.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
    ) -> Result<Success<TokenList>, Documented<ListFailures>> {
        let limit = limit.0.unwrap_or(USUAL_LIMIT);
        let (whose, place) =
            (whose(user.0.as_deref(), all.0.as_deref())?, read::token_place(cursor.0.as_deref())?);
        let view = app.flows.require_view(&principal(&app, &credentials.0).await?, whose).await?;
        let tokens = app.flows.list_tokens(&view, place.as_ref(), limit).await?;
        Ok(Success(TokenList::new(&tokens, limit, view.user().is_none())))
    }

    /// Makes a token
    ///
    /// For a person who acts in their own browser and has signed in within `STEP_UP_AGE`. The answer has the text, which is shown this
    /// once. Without `scopes` the token lends nothing, without `services` it may be used nowhere.
    #[oai(path = "/auth/tokens", method = "post", tag = "Tag::Tokens", operation_id = "create_token")]
    async fn create_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        body: JsonBody,
    ) -> Result<Created<MadeTokenDocument>, Documented<MakeFailures>> {
        let acting = acting(&app, &credentials).await?;
        let (asked, ends_others) = read::token_request(body.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let made = run_to_completion(async move {
            let made = flows.make_own_token(&acting, asked, &client).await?;
            if ends_others {
                flows.end_other_sessions(acting.person(), &client).await?;
            }
            Ok::<_, FlowError>(made)
        });
        Ok(Created(MadeTokenDocument::from(&made.await?)))
    }

    /// Ends all tokens of the person
    ///
    /// Also those that are being made at the same moment. An administrator ends those of another.
    #[oai(path = "/auth/tokens", method = "delete", tag = "Tag::Tokens", operation_id = "revoke_tokens")]
    async fn revoke_tokens(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The id of the user whose tokens an administrator ends.
        user: Query<Option<String>>,
    ) -> Result<NoContent, Documented<ListFailures>> {
        let (user, principal) = (whose::user(user.0.as_deref())?, principal(&app, &credentials.0).await?);
        let authority = app.flows.require_authority::<Ending>(&principal, user).await?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        run_to_completion(async move { flows.revoke_all_tokens(&authority, &client).await }).await?;
        Ok(NoContent)
    }

    /// Changes a token
    ///
    /// Its name and metadata; its services, scopes and end alone so that it lends less, or shorter.
    #[oai(path = "/auth/tokens/:id", method = "patch", tag = "Tag::Tokens", operation_id = "update_token")]
    async fn update_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The token's id.
        id: Path<String>,
        /// The id of the user whose token an administrator changes.
        user: Query<Option<String>>,
        body: JsonBody,
    ) -> Result<Success<TokenDocument>, Documented<ChangeFailures>> {
        let (user, principal) = (whose::user(user.0.as_deref())?, principal(&app, &credentials.0).await?);
        let authority = app.flows.require_authority::<Changing>(&principal, user).await?;
        let id = token_id(&id.0)?;
        let changes = read::changes(body.0, app.flows.now())?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let token =
            run_to_completion(async move { flows.change_token(&authority, &id, &changes, &client).await });
        Ok(Success(TokenDocument::from(&token.await?)))
    }

    /// Replaces a token
    ///
    /// Makes its one successor, which lends the same and lives as long, and lets the token itself count for `overlap` more. For a
    /// person who acts in their own browser and has signed in within `STEP_UP_AGE`.
    #[oai(
        path = "/auth/tokens/:id/rotate",
        method = "post",
        tag = "Tag::Tokens",
        operation_id = "rotate_token"
    )]
    async fn rotate_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The token's id.
        id: Path<String>,
        body: JsonBody,
    ) -> Result<Created<MadeTokenDocument>, Documented<RotateFailures>> {
        let acting = acting(&app, &credentials).await?;
        let (id, asked) = (token_id(&id.0)?, read::rotation(body.0)?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let made =
            run_to_completion(async move { flows.rotate_own_token(&acting, &id, asked, &client).await });
        Ok(Created(MadeTokenDocument::from(&made.await?)))
    }

    /// Ends a token
    ///
    /// By its id; or, as `current`, the token that asks, whosever it is. A refresh token that asks ends with its grant.
    #[oai(path = "/auth/tokens/:id", method = "delete", tag = "Tag::Tokens", operation_id = "revoke_token")]
    async fn revoke_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The token's id, or `current`.
        id: Path<String>,
        /// The id of the user whose token an administrator ends.
        user: Query<Option<String>>,
    ) -> Result<NoContent, Documented<EndFailures>> {
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        if id.0 == CURRENT {
            let current = flows.find_current_token(credentials.0.single()?).await?;
            run_to_completion(async move { flows.end_current_token(&current, &client).await }).await?;
            return Ok(NoContent);
        }
        let principal = principal(&app, &credentials.0).await?;
        let user = whose::user(user.0.as_deref())?;
        let authority = app.flows.require_authority::<Ending>(&principal, user).await?;
        let id = token_id(&id.0)?;
        run_to_completion(async move { flows.revoke_token(&authority, &id, &client).await }).await?;
        Ok(NoContent)
    }
}

async fn acting(app: &App, credentials: &AnyCredentials<'_>) -> Result<FreshActing, ApiError> {
    Ok(app.flows.require_fresh_acting(&principal(app, &credentials.0).await?)?)
}

/// A text that is no id is the id of no token.
pub(super) fn token_id(text: &str) -> Result<ApiTokenId, ApiError> {
    ApiTokenId::parse(text).map_err(|_| FlowError::NotFound("token").into())
}
