//! The operations, grouped as readers look for them. Each parses, calls one flow and wraps.

mod caller;
mod examples;
pub(crate) mod grants;
pub(crate) mod handler;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod permissions;
pub(crate) mod role_accounts;
pub(crate) mod role_tokens;
pub(crate) mod session;
pub(crate) mod session_data;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sign_in_page;
mod statuses;
mod tag;
pub(crate) mod token_pairs;
pub(crate) mod tokens;
pub(crate) mod users;

use poem_openapi::OpenApiService;

use grants::GrantsApi;
use health::HealthApi;
use keys::KeysApi;
use permissions::PermissionsApi;
use role_accounts::RoleAccountsApi;
use role_tokens::RoleTokensApi;
use session::SessionApi;
use session_data::SessionDataApi;
use sessions::SessionsApi;
use sign_in::SignInApi;
use sign_in_page::SignInPageApi;
use token_pairs::TokenPairsApi;
use tokens::TokensApi;
use users::UsersApi;

type Apis = (
    SessionsApi,
    SessionApi,
    SessionDataApi,
    SignInApi,
    SignInPageApi,
    TokensApi,
    TokenPairsApi,
    GrantsApi,
    RoleAccountsApi,
    RoleTokensApi,
    PermissionsApi,
    UsersApi,
    KeysApi,
    HealthApi,
);

const VERSION: &str = env!("CARGO_PKG_VERSION");

const DESCRIPTION: &str = "\
Federated sign-in and service-scoped permission tokens.

Vestibule is the front door to a set of services. People sign in with a provider; frontends get a signed *user token*;
backends trade it for a short *permission token* of one service, whose permissions a plugin of the operator decides;
services verify that token with a public key.

A user token is taken from `Authorization: Bearer`, the header `Auth-Token`, the parameter `jwt` of the query, or, in a
POST, the field `jwt` of a form. An empty one counts as absent; two different ones are refused.

Where GET is listed HEAD works too. Other methods get 405 with `Allow`. A parameter that is given twice gets 400.

Besides these operations there are the pages for people at `/` and `/docs` with their files under `/assets/`, and this
document at `/openapi.json` and `/openapi.yaml`.";

/// All operations. They find the application in the data of the request.
pub(crate) fn document() -> OpenApiService<Apis, ()> {
    OpenApiService::new(
        (
            SessionsApi,
            SessionApi,
            SessionDataApi,
            SignInApi,
            SignInPageApi,
            TokensApi,
            TokenPairsApi,
            GrantsApi,
            RoleAccountsApi,
            RoleTokensApi,
            PermissionsApi,
            UsersApi,
            KeysApi,
            HealthApi,
        ),
        "Vestibule",
        VERSION,
    )
    .description(DESCRIPTION)
}
