//! Which address is answered by what.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use poem::{Request, Response};

use crate::faults;
use crate::provider::{Endpoint, Issuer, Provider};
use crate::shared::Shared;
use crate::{consent, github, oidc, reply};

/// The largest request body that is read.
const LARGEST_BODY: usize = 1024 * 1024;

/// Where a redirect that should not be followed leads.
pub(crate) const TRAP: &str = "/trap";

/// The web site with all providers.
pub(crate) struct Site(pub(crate) Arc<Shared>);

/// A request that has arrived whole.
struct Arrived {
    headers: HeaderMap,
    path: String,
    query: String,
    body: Bytes,
    peer: Option<SocketAddr>,
}

impl poem::Endpoint for Site {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let response = dispatch(&self.0, request).await;
        Ok(reply::dated(response, self.0.clock.now()))
    }
}

async fn dispatch(shared: &Shared, request: Request) -> Response {
    let Some((provider, endpoint)) = find(request.uri().path()) else {
        return outside(shared, request.uri().path());
    };
    let allowed = methods(endpoint);
    if !allowed.contains(request.method()) {
        return reply::method_not_allowed(allowed);
    }
    match arrive(request).await {
        Some(arrived) => answer(shared, provider, endpoint, arrived).await,
        None => reply::unreadable_body(),
    }
}

/// The provider and endpoint of a path.
fn find(path: &str) -> Option<(Provider, Endpoint)> {
    use Endpoint::{Authorize, Discovery, Emails, Jwks, Organizations, Token, User, Userinfo};
    use Provider::{Corporate, Github, Google};
    Some(match path {
        "/google/.well-known/openid-configuration" => (Google, Discovery),
        "/google/authorize" => (Google, Authorize),
        "/google/token" => (Google, Token),
        "/google/jwks" => (Google, Jwks),
        "/google/userinfo" => (Google, Userinfo),
        "/corporate/.well-known/openid-configuration" => (Corporate, Discovery),
        "/corporate/authorize" => (Corporate, Authorize),
        "/corporate/token" => (Corporate, Token),
        "/corporate/jwks" => (Corporate, Jwks),
        "/corporate/userinfo" => (Corporate, Userinfo),
        "/github/login/oauth/authorize" => (Github, Authorize),
        "/github/login/oauth/access_token" => (Github, Token),
        "/github/api/user" => (Github, User),
        "/github/api/user/emails" => (Github, Emails),
        "/github/api/user/orgs" => (Github, Organizations),
        _ => return None,
    })
}

/// What lies at no provider's address.
fn outside(shared: &Shared, path: &str) -> Response {
    match path {
        "/" => consent::root(),
        TRAP => {
            shared.counters.count_trapped();
            Response::default()
        }
        _ => reply::not_found(),
    }
}

fn methods(endpoint: Endpoint) -> &'static [Method] {
    match endpoint {
        Endpoint::Token => &[Method::POST],
        Endpoint::Authorize => &[Method::GET],
        Endpoint::Userinfo => &[Method::GET, Method::POST],
        Endpoint::Discovery
        | Endpoint::Jwks
        | Endpoint::User
        | Endpoint::Emails
        | Endpoint::Organizations => &[Method::GET, Method::HEAD],
    }
}

async fn arrive(mut request: Request) -> Option<Arrived> {
    let body = request.take_body().into_bytes_limit(LARGEST_BODY).await.ok()?;
    Some(Arrived {
        headers: request.headers().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        body,
        peer: request.remote_addr().as_socket_addr().copied(),
    })
}

async fn answer(shared: &Shared, provider: Provider, endpoint: Endpoint, arrived: Arrived) -> Response {
    shared.counters.count_request(provider, endpoint);
    if let Some(fault) = shared.faults.take(provider, endpoint) {
        return faults::perform(fault, &shared.doomed, arrived.peer).await;
    }
    if endpoint == Endpoint::Authorize {
        return consent::answer(shared, provider, &arrived.path, &arrived.query);
    }
    match provider {
        Provider::Google => of_issuer(shared, Issuer::Google, endpoint, &arrived).await,
        Provider::Corporate => of_issuer(shared, Issuer::Corporate, endpoint, &arrived).await,
        Provider::Github => of_github(shared, endpoint, &arrived).await,
    }
}

async fn of_issuer(shared: &Shared, issuer: Issuer, endpoint: Endpoint, arrived: &Arrived) -> Response {
    match endpoint {
        Endpoint::Discovery => oidc::discovery(shared, issuer),
        Endpoint::Jwks => oidc::jwks(shared, issuer),
        Endpoint::Token => oidc::exchange(shared, issuer, &arrived.headers, &arrived.body).await,
        Endpoint::Userinfo => oidc::userinfo(shared, issuer, &arrived.headers),
        Endpoint::Authorize | Endpoint::User | Endpoint::Emails | Endpoint::Organizations => {
            reply::not_found()
        }
    }
}

async fn of_github(shared: &Shared, endpoint: Endpoint, arrived: &Arrived) -> Response {
    match endpoint {
        Endpoint::Token => github::exchange(shared, &arrived.headers, &arrived.body).await,
        Endpoint::User => github::user(shared, &arrived.headers),
        Endpoint::Emails => github::emails(shared, &arrived.headers, &arrived.query),
        Endpoint::Organizations => github::organizations(shared, &arrived.headers, &arrived.query),
        Endpoint::Authorize | Endpoint::Discovery | Endpoint::Jwks | Endpoint::Userinfo => reply::not_found(),
    }
}
