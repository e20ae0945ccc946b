//! Who calls, for operations that somebody has to be signed in for.

use poem::Request;
use vestibule_domain::ClientInfo;
use vestibule_flows::Principal;

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

/// Where the request came from.
pub(super) fn client(app: &App, request: &Request) -> ClientInfo {
    app.trusted_proxies.client_info(request)
}
