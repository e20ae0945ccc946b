//! Access tokens and the refresh tokens beside them, for the programs of a person.

mod read;
mod responses;

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use vestibule_flows::GrantNarrowing;

use super::caller::client;
use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::{AnyCredentials, RefreshToken};
use crate::error::{ApiError, Documented, ErrorFormat, Status, Statuses};
use crate::form::Form;
use crate::members::wrong;
use crate::request_context::RequestContext;
use crate::responses::Success;
use crate::run_to_completion::run_to_completion;

use read::GrantType;
use responses::{RevocationAnswer, TokenPairAnswer};

pub(crate) struct TokenPairsApi;

/// The fields of a request for a pair (RFC 6749 section 4.5 and 6).
#[derive(Object)]
struct PairForm {
    /// `session` for a new pair, `refresh_token` for the next one.
    grant_type: String,
    /// Of a new pair: what the program is called.
    client_name: Option<String>,
    /// The services that the access token may be used at, separated by spaces; `*` for all.
    services: Option<String>,
    /// The scopes that it lends, separated by spaces.
    scope: Option<String>,
    /// The refresh token that is spent for the next pair.
    refresh_token: Option<String>,
    /// Of a new pair: the user token of the person who lends.
    jwt: Option<String>,
    /// Whatever else clients send: text, as every field of a form. It is ignored.
    #[oai(flatten)]
    others: BTreeMap<String, String>,
}

/// The fields of a refresh by bearer.
#[derive(Object)]
struct RefreshForm {
    /// Fewer services for the access token, separated by spaces.
    services: Option<String>,
    /// Fewer scopes for it, separated by spaces.
    scope: Option<String>,
    /// Whatever else clients send: text, as every field of a form. It is ignored.
    #[oai(flatten)]
    others: BTreeMap<String, String>,
}

/// The fields of a revocation (RFC 7009 section 2.1).
#[derive(Object)]
struct RevocationForm {
    /// The token to end.
    token: String,
    /// Whatever else clients send: text, as every field of a form. It is ignored.
    #[oai(flatten)]
    others: BTreeMap<String, String>,
}

const MALFORMED: Status = Status::new(400, "What is asked for cannot be; the description names the field.");
const NOBODY: Status = Status::new(
    401,
    "Not signed in, or not recently enough (`session_not_fresh`); or the refresh token is not good any more (`invalid_token`), \
     was replaced (`superseded`), or is held by two, which has ended its grant (`reused`).",
);
const NOT_THEIRS: Status = Status::new(
    403,
    "A credential of this kind may not do this (`wrong_credential`), or another site asks (`cross_origin`).",
);
const NOT_REFRESHED: Status = Status::new(
    401,
    "No refresh token, or one that is not good any more (`invalid_token`), was replaced (`superseded`), or is held by two, which has \
     ended its grant (`reused`).",
);
const TOO_LARGE: Status = Status::new(413, "The body is longer than 64 KiB.");
const NOT_FORM: Status = Status::new(415, "The body is not a form.");
const TOO_MANY: Status = Status::retry(
    429,
    "Too many pairs were made or refreshed for this account, or too many unknown tokens came from this address.",
);
const NOT_NOW: Status =
    Status::retry(503, "The database is out of reach, or others refresh at the same moment.");

pub(crate) struct PairFailures;

impl Statuses for PairFailures {
    const ALL: &'static [Status] = &[MALFORMED, NOBODY, NOT_THEIRS, TOO_LARGE, NOT_FORM, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct RefreshFailures;

impl Statuses for RefreshFailures {
    const ALL: &'static [Status] = &[MALFORMED, NOT_REFRESHED, TOO_LARGE, NOT_FORM, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

pub(crate) struct RevocationFailures;

impl Statuses for RevocationFailures {
    const ALL: &'static [Status] = &[MALFORMED, TOO_LARGE, NOT_FORM, TOO_MANY, NOT_NOW];
    const FORMAT: ErrorFormat = ErrorFormat::Typed;
}

handler!(handle_create(app, context, mut body) => async {
    refuse_in_address(&context, &["refresh_token"])?;
    let form = Form::read(context.request, &mut body).await?;
    TokenPairsApi.create_token_pair(Data(app), context.request, AnyCredentials(context.credentials), form).await
});

handler!(handle_refresh(app, context, mut body) => async {
    let form = Form::read(context.request, &mut body).await?;
    TokenPairsApi.refresh_token_pair(Data(app), context.request, RefreshToken(context.credentials), form).await
});

handler!(handle_replace(app, context, mut body) => async {
    let form = Form::read(context.request, &mut body).await?;
    TokenPairsApi.replace_token_pair(Data(app), context.request, RefreshToken(context.credentials), form).await
});

handler!(handle_revoke(app, context, mut body) => async {
    refuse_in_address(&context, &["token"])?;
    let form = Form::read(context.request, &mut body).await?;
    TokenPairsApi.revoke_token_pair(Data(app), context.request, form).await
});

/// Addresses are logged: a token that stands in one is refused, so that its sender learns of it.
fn refuse_in_address(context: &RequestContext<'_>, names: &[&'static str]) -> Result<(), ApiError> {
    match names.iter().find(|name| context.parameters.find(name).is_some_and(|text| !text.is_empty())) {
        Some(name) => Err(wrong(name, "belongs into the body, not into the address")),
        None => Ok(()),
    }
}

#[OpenApi]
impl TokenPairsApi {
    /// Makes a pair of tokens, or the next one
    ///
    /// `grant_type=session` makes a pair for a program of the person. With the session cookie, after a sign-in within `STEP_UP_AGE`, it
    /// may be for every service and goes on after the session; with a user token it names its services and ends with the session.
    /// `grant_type=refresh_token` spends a refresh token for the next pair; no other credential is looked at.
    #[oai(path = "/auth/token", method = "post", tag = "Tag::TokenPairs", operation_id = "create_token_pair")]
    async fn create_token_pair(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: AnyCredentials<'_>,
        form: Form<PairForm>,
    ) -> Result<Success<TokenPairAnswer>, Documented<PairFailures>> {
        match read::grant_type(&form)? {
            GrantType::Session => {
                let authentication = app.flows.authenticate(credentials.0.single_or(&form)?).await?;
                let lender = app.flows.require_lender(&authentication.require()?)?;
                let (asked, client) = (read::grant_request(&form)?, client(&app, request));
                let flows = Arc::clone(&app.flows);
                let made =
                    run_to_completion(async move { flows.create_grant(&lender, asked, &client).await });
                Ok(Success(TokenPairAnswer::from(&made.await?)))
            }
            GrantType::RefreshToken(presented) => {
                let presented = presented.to_owned();
                Ok(refresh(&app, request, presented, read::narrowing(&form)?).await?)
            }
        }
    }

    /// Makes the next pair of tokens
    ///
    /// As `POST /auth/token` with `grant_type=refresh_token`, by a bearer. A refresh token is spent once; one that comes again a moment
    /// later, because its answer was lost, gets the same answer.
    #[oai(
        path = "/auth/token/refresh",
        method = "post",
        tag = "Tag::TokenPairs",
        operation_id = "refresh_token_pair"
    )]
    async fn refresh_token_pair(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        token: RefreshToken<'_>,
        form: Form<RefreshForm>,
    ) -> Result<Success<TokenPairAnswer>, Documented<RefreshFailures>> {
        let presented = token.required()?.to_owned();
        Ok(refresh(&app, request, presented, read::narrowing(&form)?).await?)
    }

    /// Makes the next pair of tokens
    ///
    /// The same as with POST: by a bearer, which is spent for the next pair.
    #[oai(
        path = "/auth/token/refresh",
        method = "put",
        tag = "Tag::TokenPairs",
        operation_id = "replace_token_pair"
    )]
    async fn replace_token_pair(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        token: RefreshToken<'_>,
        form: Form<RefreshForm>,
    ) -> Result<Success<TokenPairAnswer>, Documented<RefreshFailures>> {
        self.refresh_token_pair(app, request, token, form).await
    }

    /// Ends a token
    ///
    /// An access token alone, a refresh token with its grant and all tokens of it (RFC 7009), a token of a person or a role account alone.
    /// Whoever holds one may end it. Succeeds as well when there is nothing to end.
    #[oai(
        path = "/auth/token/revoke",
        method = "post",
        tag = "Tag::TokenPairs",
        operation_id = "revoke_token_pair"
    )]
    async fn revoke_token_pair(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        form: Form<RevocationForm>,
    ) -> Result<Success<RevocationAnswer>, Documented<RevocationFailures>> {
        let token = form.field("token").filter(|text| !text.is_empty());
        let token = token.ok_or_else(|| wrong("token", "is missing"))?.to_owned();
        let (flows, client) = (Arc::clone(&app.flows), client(&app, request));
        let address = app.trusted_proxies.find_client(request).address();
        run_to_completion(async move { flows.revoke_presented(&token, (address, &client)).await }).await?;
        Ok(Success(RevocationAnswer { success: true }))
    }
}

async fn refresh(
    app: &App,
    request: &Request,
    presented: String,
    narrowing: GrantNarrowing,
) -> Result<Success<TokenPairAnswer>, ApiError> {
    let (flows, client) = (Arc::clone(&app.flows), client(app, request));
    let address = app.trusted_proxies.find_client(request).address();
    let next =
        run_to_completion(
            async move { flows.refresh_grant(&presented, narrowing, (address, &client)).await },
        );
    Ok(Success(TokenPairAnswer::from(&next.await?)))
}
