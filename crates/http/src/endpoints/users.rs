//! Usernames and public profiles.

pub(crate) mod responses;

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};

use super::examples;
use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::PresentedCredentials;
use crate::error::{Documented, Status, Statuses};
use crate::form::Form;
use crate::responses::Success;

use responses::{FindProfileAnswer, ResolveAnswer, UpdateAnswer};

pub(crate) struct UsersApi;

/// The fields that `update_user` reads. Each may be a parameter of the query instead.
#[derive(Object)]
struct UpdateForm {
    /// The user token.
    jwt: Option<String>,
    /// The username to choose.
    username: Option<String>,
    /// `cookie` lets the session cookie count where there is no token. For pages of the service itself.
    session: Option<String>,
    /// Whatever else clients send: text, as every field of a form. It is ignored.
    #[oai(flatten)]
    others: BTreeMap<String, String>,
}

pub(crate) struct UpdateFailures;

impl Statuses for UpdateFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "The request has two different tokens or usernames, or cannot be read."),
        Status::new(413, "The body is longer than 64 KiB."),
        Status::new(415, "The body is not a form."),
        Status::retry(429, "Too many requests from this address or for this account."),
        Status::retry(503, "The database is out of reach."),
    ];
}

pub(crate) struct LookupFailures;

impl Statuses for LookupFailures {
    const ALL: &'static [Status] = &[
        Status::retry(429, "Too many requests from this address."),
        Status::retry(503, "The database is out of reach."),
    ];
}

handler!(handle_update(app, context, mut body) => async {
    let form = Form::read(context.request, &mut body).await?;
    let username = context.query("username");
    UsersApi.update_user(Data(app), context.request, context.credentials, username, form).await
});

handler!(handle_resolve(app, context, _) => UsersApi.resolve_username(Data(app), context.query("username")));

handler!(handle_find_profile(app, context, _) => UsersApi.find_profile(Data(app), context.query("username")));

#[OpenApi]
impl UsersApi {
    /// Chooses the username
    ///
    /// A username can be chosen once. It has 2 to 32 letters, digits, hyphens or underscores, starts with a letter or
    /// digit, and is unique without regard to case. Other fields are ignored.
    #[oai(path = "/auth/update", method = "post", tag = "Tag::Users", operation_id = "update_user")]
    async fn update_user(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        credentials: PresentedCredentials<'_>,
        /// The username to choose.
        #[oai(example = "examples::username")]
        username: Query<Option<String>>,
        form: Form<UpdateForm>,
    ) -> Result<Success<UpdateAnswer>, Documented<UpdateFailures>> {
        let credentials = credentials.single_or(&form)?;
        let username = form.field_or("username", username.0.as_deref())?;
        let client = app.trusted_proxies.client_info(request);
        let principal = app.flows.authenticate(credentials).await?.into_principal();
        let person = principal.and_then(|principal| principal.as_full_person());
        Ok(Success(app.flows.choose_username(person.as_ref(), username, &client).await?.into()))
    }

    /// Finds whose username it is
    ///
    /// No token is needed. The case does not matter; a text that cannot be a username belongs to no user.
    #[oai(path = "/auth/resolve", method = "get", tag = "Tag::Users", operation_id = "resolve_username")]
    async fn resolve_username(
        &self,
        app: Data<&Arc<App>>,
        /// The username, in any case.
        #[oai(example = "examples::username")]
        username: Query<Option<String>>,
    ) -> Result<Success<ResolveAnswer>, Documented<LookupFailures>> {
        let user = app.flows.resolve_username(username.0.as_deref()).await?;
        Ok(Success(ResolveAnswer { userid: user.map(|id| id.to_string()) }))
    }

    /// Finds the public profile of the holder of a username
    ///
    /// No token is needed. The case does not matter; a text that cannot be a username belongs to no user. The address is not shown, only
    /// the digest by which avatar services know it.
    #[oai(path = "/auth/get_profile", method = "get", tag = "Tag::Users", operation_id = "find_profile")]
    async fn find_profile(
        &self,
        app: Data<&Arc<App>>,
        /// The username, in any case.
        #[oai(example = "examples::username")]
        username: Query<Option<String>>,
    ) -> Result<Success<FindProfileAnswer>, Documented<LookupFailures>> {
        Ok(Success(app.flows.find_public_profile(username.0.as_deref()).await?.into()))
    }
}
