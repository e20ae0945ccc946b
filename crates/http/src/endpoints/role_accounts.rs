//! Role accounts: users that nobody signs in as. Their tokens are in a file of their own.

mod read;
mod responses;

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use vestibule_domain::UserId;
use vestibule_flows::{FlowError, Looking, Making, Pausing};

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
use crate::responses::{Created, Success};
use crate::run_to_completion::run_to_completion;
use crate::whose::{self, refuse_everybody, whose};

use responses::{RoleAccountDocument, RoleAccountList};

pub(crate) struct RoleAccountsApi;

const UNKNOWN: Status = Status::new(404, "There is no such role account, or it is another's.");
const TAKEN: Status = Status::new(
    409,
    "Another user has the username (`username_taken`), or the owner has too many (`limit_reached`).",
);
const FULL: Status = Status::new(409, "The new owner has too many (`limit_reached`).");

statuses! {
    ListFailures: [MALFORMED, NOBODY, NOT_THEIRS, NO_USER, TOO_MANY, NOT_NOW];
    MakeFailures: [MALFORMED, NOBODY, NOT_THEIRS, NO_USER, TAKEN, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
    ReadFailures: [NOBODY, NOT_THEIRS, UNKNOWN, TOO_MANY, NOT_NOW];
    ChangeFailures: [MALFORMED, NOBODY, NOT_THEIRS, UNKNOWN, FULL, TOO_LARGE, NOT_JSON, TOO_MANY, NOT_NOW];
}

handler!(handle_list(app, context, _) => async {
    let [user, all, cursor] = ["user", "all", "cursor"].map(|name| context.query(name));
    let limit = Query(limit(context.query("limit").0.as_deref())?);
    RoleAccountsApi.list_role_accounts(Data(app), AnyCredentials(context.credentials), user, all, cursor, limit).await
});

handler!(handle_make(app, context, mut body) => async {
    refuse_everybody(&context)?;
    let user = context.query("user");
    let body = JsonBody::read(context.request, &mut body).await?;
    RoleAccountsApi
        .create_role_account(Data(app), context.request, AnyCredentials(context.credentials), user, body)
        .await
});

handler!(handle_read(app, context, _) => async {
    let id = context.path().ok_or(ApiError::NotFound)?;
    RoleAccountsApi.read_role_account(Data(app), AnyCredentials(context.credentials), id).await
});

handler!(handle_change(app, context, mut body) => async {
    let id = context.path().ok_or(ApiError::NotFound)?;
    let body = JsonBody::read(context.request, &mut body).await?;
    RoleAccountsApi
        .update_role_account(Data(app), context.request, AnyCredentials(context.credentials), id, body)
        .await
});

#[OpenApi]
impl RoleAccountsApi {
    /// Lists the role accounts of the person
    ///
    /// Disabled ones too, by their usernames. An administrator, in the browser, lists those of another, or everybody's and those without
    /// an owner.
    #[oai(
        path = "/auth/role_accounts",
        method = "get",
        tag = "Tag::RoleAccounts",
        operation_id = "list_role_accounts"
    )]
    async fn list_role_accounts(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// The id of the user whose role accounts an administrator lists.
        user: Query<Option<String>>,
        /// `true`: an administrator lists all.
        all: Query<Option<String>>,
        /// Where the list goes on: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// How many there are on a page at most; 100 unless said.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
    ) -> Result<Success<RoleAccountList>, Documented<ListFailures>> {
        let limit = limit.0.unwrap_or(USUAL_LIMIT);
        let (whose, after) =
            (whose(user.0.as_deref(), all.0.as_deref())?, read::cursor(cursor.0.as_deref())?);
        let view = app.flows.require_view(&principal(&app, &credentials.0).await?, whose).await?;
        let accounts = app.flows.list_role_accounts(&view, after.as_ref(), limit).await?;
        Ok(Success(RoleAccountList::new(&accounts, limit)))
    }

    /// Makes a role account
    ///
    /// For a person who acts in their own browser and has signed in within `STEP_UP_AGE`, and owns it then: for administrators alone,
    /// or for everybody, as `ROLE_ACCOUNTS` says. It has no token yet.
    #[oai(
        path = "/auth/role_accounts",
        method = "post",
        tag = "Tag::RoleAccounts",
        operation_id = "create_role_account"
    )]
    async fn create_role_account(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The id of the user for whom an administrator makes it.
        user: Query<Option<String>>,
        body: JsonBody,
    ) -> Result<Created<RoleAccountDocument>, Documented<MakeFailures>> {
        let (user, caller) = (whose::user(user.0.as_deref())?, principal(&app, &credentials.0).await?);
        let maker = app.flows.require_role_account_maker(&caller, user).await?;
        let asked = read::request(body.0)?;
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let made = run_to_completion(async move { flows.make_role_account(&maker, asked, &client).await });
        Ok(Created(RoleAccountDocument::from(&made.await?)))
    }

    /// Tells of a role account
    ///
    /// To its owner, and to administrators.
    #[oai(
        path = "/auth/role_accounts/:id",
        method = "get",
        tag = "Tag::RoleAccounts",
        operation_id = "read_role_account"
    )]
    async fn read_role_account(
        &self,
        app: Data<&Arc<App>>,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
    ) -> Result<Success<RoleAccountDocument>, Documented<ReadFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let authority = app.flows.require_role_account::<Looking>(&caller, &account_id(&id.0)?).await?;
        Ok(Success(RoleAccountDocument::from(authority.account())))
    }

    /// Changes a role account
    ///
    /// All that is asked for, or nothing: `name`, `description`, `metadata`, `disabled`, and by an administrator `owner`, which is the id
    /// of a person, or null. For its owner, in the browser, signed in within `STEP_UP_AGE`, and for administrators. A moderator may
    /// change `disabled` alone; its owner may disable it, and whoever is a moderator or more enables it.
    #[oai(
        path = "/auth/role_accounts/:id",
        method = "patch",
        tag = "Tag::RoleAccounts",
        operation_id = "update_role_account"
    )]
    async fn update_role_account(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        /// The role account's id.
        id: Path<String>,
        body: JsonBody,
    ) -> Result<Success<RoleAccountDocument>, Documented<ChangeFailures>> {
        let caller = principal(&app, &credentials.0).await?;
        let (id, changes) = (account_id(&id.0)?, read::changes(body.0)?);
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let outcome = match changes.disabled {
            Some(disabled) if !changes.describe() => {
                let authority = app.flows.require_role_account::<Pausing>(&caller, &id).await?;
                run_to_completion(
                    async move { flows.switch_role_account(&authority, disabled, &client).await },
                )
                .await?
            }
            _ => {
                let authority = app.flows.require_role_account::<Making>(&caller, &id).await?;
                run_to_completion(
                    async move { flows.change_role_account(&authority, &changes, &client).await },
                )
                .await?
            }
        };
        Ok(Success(RoleAccountDocument::from(&outcome)))
    }
}

/// A text that is no id is the id of no role account.
pub(super) fn account_id(text: &str) -> Result<UserId, ApiError> {
    UserId::parse(text).map_err(|_| FlowError::NotFound("role account").into())
}
