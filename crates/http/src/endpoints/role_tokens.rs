//! The tokens of role accounts.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use vestibule_flows::{Changing, Ending, Looking, Making};

use super::caller::{client, principal};
use super::handler::handler;
use super::role_accounts::account_id;
use super::statuses::{MALFORMED, NOBODY, NOT_JSON, NOT_NOW, NOT_THEIRS, TOO_LARGE, TOO_MANY, statuses};
use super::tag::Tag;
use super::tokens::responses::{MadeTokenDocument, TokenDocument, TokenList};
use super::tokens::{read, token_id};
use crate::app::App;
use crate::authn::AnyCredentials;
use crate::error::{ApiError, Documented, Status};
use crate::json_body::JsonBody;
use crate::paging::{USUAL_LIMIT, limit};
use crate::responses::{Created, NoContent, Success};
use crate::run_to_completion::run_to_completion;

pub(crate) struct RoleTokensApi;

const UNKNOWN: Status = Status::new(
    404,
    "There is no such role account, or it is another's, or it has no such token that is alive.",
);
const FULL: Status = Status::new(
    409,
    "There are too many (`limit_reached`), it was replaced already (`already_rotated`), or the role account is disabled \
     (`role_account_disabled`).",
);

statuses! {
    ListFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
    MakeFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, FULL, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    ChangeFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    EndFailures: [NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
}

handler!(handle_list(app, context, _) => async {
    let account = context.path().ok_or(ApiError::NotFound)?;
    let limit = Query(limit(context.query("limit").0.as_deref())?);
    let cursor = context.query("cursor");
    RoleTokensApi.list_role_tokens(Data(app), AnyCredentials(context.credentials), account, cursor, limit).await
});

handler!(handle_make(app, context, mut body) => async {
    let account = context.path().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    RoleTokensApi
        .create_role_token(Data(app), context.request, AnyCredentials(context.credentials), account, body)
        .await
});

handler!(handle_revoke_all(app, context, _) => async {
    let account = context.path().ok_or(ApiError::NotFound)?;
    RoleTokensApi.revoke_role_tokens(Data(app), context.request, AnyCredentials(context.credentials), account).await
});

handler!(handle_change(app, context, mut body) => async {
    let [account, token] = context.paths().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    RoleTokensApi
        .update_role_token(Data(app), context.request, AnyCredentials(context.credentials), account, token, body)
        .await
});

handler!(handle_rotate(app, context, mut body) => async {
    let [account, token] = context.paths().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    RoleTokensApi
        .rotate_role_token(Data(app), context.request, AnyCredentials(context.credentials), account, token, body)
        .await
});

handler!(handle_revoke(app, context, _) => async {
    let [account, token] = context.paths().ok_or(ApiError::NotFound)?;
    RoleTokensApi
        .revoke_role_token(Data(app), context.request, AnyCredentials(context.credentials), account, token)
        .await
});

#[OpenApi]
impl RoleTokensApi {
    /// Lists the tokens of a role account
    ///
    /// Those that are alive, the latest first. For its owner, and for administrators.
    #[oai(
        path = "/auth/role_accounts/:id/tokens",
        method = "get",
        tag = "Tag::RoleAccounts",
        operation_id = "list_role_tokens"
    )]
    async fn list_role_tokens(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        /// Where the list goes on: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many there are on a page at most; 100 unless said.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
    ) -> Result<Success<TokenList>, Documented<ListFailures>> {
        let limit = limit.0.unwrap_or(USUAL_LIMIT);
        let place = read::token_place(cursor.0.as_deref())?;
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Looking>(&caller, &account_id(&id.0)?).await?;
        let tokens = app.flows.list_role_tokens(&authority, place.as_ref(), limit).await?;
        Ok(Success(TokenList::new(&tokens, limit, false)))
    }

    /// Makes a token of a role account
    ///
    /// For its owner, in the browser, signed in within `STEP_UP_AGE`, and for administrators. The answer has the text, which is shown
    /// this once. `"expires_in": null` is for ever, where `ROLE_TOKEN_MAX_TTL` allows it. The scopes `introspect` and `oauth1:verify`
    /// are for administrators to put in.
    #[oai(
        path = "/auth/role_accounts/:id/tokens",
        method = "post",
        tag = "Tag::RoleAccounts",
        operation_id = "create_role_token"
    )]
    async fn create_role_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        body: JsonBody,
    ) -> Result<Created<MadeTokenDocument>, Documented<MakeFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Making>(&caller, &account_id(&id.0)?).await?;
        let asked = read::role_token_request(body.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let made = run_to_completion(async move { flows.make_role_token(&authority, asked, &client).await });
        Ok(Created(MadeTokenDocument::from(&made.await?)))
    }

    /// Ends all tokens of a role account
    ///
    /// Also those that are being made at the same moment.
    #[oai(
        path = "/auth/role_accounts/:id/tokens",
        method = "delete",
        tag = "Tag::RoleAccounts",
        operation_id = "revoke_role_tokens"
    )]
    async fn revoke_role_tokens(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
    ) -> Result<NoContent, Documented<EndFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Ending>(&caller, &account_id(&id.0)?).await?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        run_to_completion(async move { flows.revoke_all_role_tokens(&authority, &client).await }).await?;
        Ok(NoContent)
    }

    /// Changes a token of a role account
    ///
    /// Its name and metadata; its services, scopes and end alone so that it lends less, or shorter.
    #[oai(
        path = "/auth/role_accounts/:id/tokens/:token",
        method = "patch",
        tag = "Tag::RoleAccounts",
        operation_id = "update_role_token"
    )]
    async fn update_role_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        /// The token's id.
        token: Path<String>,
        body: JsonBody,
    ) -> Result<Success<TokenDocument>, Documented<ChangeFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Changing>(&caller, &account_id(&id.0)?).await?;
        let (token, changes) = (token_id(&token.0)?, read::changes(body.0, app.flows.now())?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let outcome =
            run_to_completion(
                async move { flows.change_role_token(&authority, &token, &changes, &client).await },
            );
        Ok(Success(TokenDocument::from(&outcome.await?)))
    }

    /// Replaces a token of a role account
    ///
    /// Makes its one successor, which lends the same and lives as long, and lets the token itself count for `overlap` more. For its
    /// owner, in the browser, signed in within `STEP_UP_AGE`, and for administrators.
    #[oai(
        path = "/auth/role_accounts/:id/tokens/:token/rotate",
        method = "post",
        tag = "Tag::RoleAccounts",
        operation_id = "rotate_role_token"
    )]
    async fn rotate_role_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        /// The token's id.
        token: Path<String>,
        body: JsonBody,
    ) -> Result<Created<MadeTokenDocument>, Documented<MakeFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Making>(&caller, &account_id(&id.0)?).await?;
        let (token, asked) = (token_id(&token.0)?, read::rotation(body.0)?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let made =
            run_to_completion(
                async move { flows.rotate_role_token(&authority, &token, asked, &client).await },
            );
        Ok(Created(MadeTokenDocument::from(&made.await?)))
    }

    /// Ends a token of a role account
    ///
    /// At every replica within a second.
    #[oai(
        path = "/auth/role_accounts/:id/tokens/:token",
        method = "delete",
        tag = "Tag::RoleAccounts",
        operation_id = "revoke_role_token"
    )]
    async fn revoke_role_token(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        /// The token's id.
        token: Path<String>,
    ) -> Result<NoContent, Documented<EndFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Ending>(&caller, &account_id(&id.0)?).await?;
        let token = token_id(&token.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        run_to_completion(async move { flows.revoke_role_token(&authority, &token, &client).await }).await?;
        Ok(NoContent)
    }
}
