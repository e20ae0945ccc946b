//! What a person may do at a service.

pub(crate) mod response_cache;
pub(crate) mod responses;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use vestibule_flows::{PermissionDecision, PermissionGrant};

use super::examples;
use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::authn::PresentedCredentials;
use crate::error::{Documented, Status, Statuses};
use crate::responses::{SerializedJson, serialize};

use responses::{AuthorizationAnswer, Nothing};

pub(crate) struct PermissionsApi;

pub(crate) struct AuthorizeFailures;

impl Statuses for AuthorizeFailures {
    const ALL: &'static [Status] = &[
        Status::new(400, "The request has two different tokens."),
        Status::new(403, "The permission provider denies access to this service."),
        Status::retry(429, "Too many requests from this address or for this account."),
        Status::retry(
            503,
            "The permission provider, a token handler or the database does not answer, or too much is asked for; there is no token.",
        ),
    ];
}

handler!(handle_authorize(app, context, _) => {
    let [service, session] = ["service", "session"].map(|name| context.query(name));
    PermissionsApi.authorize_service(Data(app), context.credentials, service, session)
});

#[OpenApi]
impl PermissionsApi {
    /// Makes a permission token for a service
    ///
    /// The service's permission provider is asked each time, unless it lets an answer be used again for a while. Without a good user token, or a bearer token that a token handler knows, or for a service that is not
    /// configured, the permissions are empty and there is no token.
    #[oai(
        path = "/auth/authorize",
        method = "get",
        tag = "Tag::Permissions",
        operation_id = "authorize_service"
    )]
    pub(crate) async fn authorize_service(
        &self,
        app: Data<&Arc<App>>,
        credentials: PresentedCredentials<'_>,
        /// The service, by the name under which it is configured.
        #[oai(example = "examples::service")]
        service: Query<Option<String>>,
        /// `cookie` lets the session cookie count where there is no token. For pages of the service itself.
        session: Query<Option<String>>,
    ) -> Result<SerializedJson<AuthorizationAnswer>, Documented<AuthorizeFailures>> {
        // Read with the credentials.
        drop(session);
        let authentication =
            app.flows.authenticate(credentials.single_of_anybody(&app, service.0.as_deref())?);
        let decision = app.flows.authorize_service(authentication, service.0.as_deref()).await?;
        let granted = |grant: &PermissionGrant| serialize(&AuthorizationAnswer::Granted(grant.into()));
        Ok(match decision {
            PermissionDecision::Granted(grant) => {
                SerializedJson::from_body(app.responses.get_or_write(&grant, granted))
            }
            PermissionDecision::Nothing => {
                SerializedJson::new(&AuthorizationAnswer::Nothing(Nothing::default()))
            }
        })
    }
}
