//! Who calls, for operations that somebody has to be signed in for.

use poem::Request;
use vestibule_domain::ClientInfo;
use vestibule_flows::{FullPerson, Principal};

use crate::app::App;
use crate::authn::PresentedCredentials;
use crate::error::ApiError;

/// The principal of a request.
pub(super) async fn principal(
    app: &App,
    credentials: &PresentedCredentials<'_>,
) -> Result<Principal, ApiError> {
    Ok(app.flows.authenticate(credentials.single()?).await?.require()?)
}

/// A person who calls with a credential that stands for all of them.
pub(super) async fn full_person(
    app: &App,
    credentials: &PresentedCredentials<'_>,
) -> Result<FullPerson, ApiError> {
    Ok(principal(app, credentials).await?.require_full_person()?)
}

/// Where the request came from.
pub(super) fn client(app: &App, request: &Request) -> ClientInfo {
    app.trusted_proxies.client_info(request)
}
