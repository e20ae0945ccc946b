//! The authorization endpoint of all three: choose a person, come back with a code.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use url::Url;

use crate::authorization::AuthorizationRequest;
use crate::grants::Grant;
use crate::page;
use crate::parameters::{Parameters, Repeated};
use crate::personas::{Behaviour, Persona};
use crate::provider::{Issuer, Provider};
use crate::random;
use crate::reply;
use crate::shared::Shared;

/// Seconds for which an issuer's code is good.
const ISSUER_CODE_LIFE: i64 = 60;

/// Seconds for which GitHub's code is good.
const GITHUB_CODE_LIFE: i64 = 600;

/// Answers an authorization request at `path`.
pub(crate) fn answer(shared: &Shared, provider: Provider, path: &str, query: &str) -> Response {
    match consent(shared, provider, path, query) {
        Ok(response) => response,
        Err(wrong) => page::wrong_request(provider, &wrong),
    }
}

fn consent(shared: &Shared, provider: Provider, path: &str, query: &str) -> Result<Response, String> {
    let parameters = Parameters::parse(query.as_bytes())
        .map_err(|Repeated(name)| format!("The parameter {name} is given more than once."))?;
    let request = AuthorizationRequest::parse(shared, provider, &parameters)?;
    let Some(id) = parameters.find("persona") else {
        return Ok(page::choose(provider, path, &parameters, &shared.personas.list()));
    };
    let persona = shared.personas.find(id).ok_or_else(|| format!("There is no persona {id:?}."))?;
    Ok(reply::found(&come_back(shared, request, &persona)))
}

fn come_back(shared: &Shared, request: AuthorizationRequest, persona: &Persona) -> Url {
    let mut url = request.return_to.clone();
    if let Some(state) = &request.state {
        url.query_pairs_mut().append_pair("state", state);
    }
    // RFC 9207 section 2: in success and in error alike. Google names itself and does not promise it.
    let issuer = match request.provider {
        Provider::Corporate => Some(Issuer::Corporate),
        Provider::Google => Some(Issuer::Google),
        Provider::Github => None,
    };
    if let Some(issuer) = issuer {
        url.query_pairs_mut().append_pair("iss", &shared.issuer_url(issuer));
    }
    if persona.behaviour == Behaviour::Refuses {
        append_refusal(&mut url, request.provider);
    } else {
        append_code(&mut url, shared, request, persona);
    }
    url
}

fn append_refusal(url: &mut Url, provider: Provider) {
    url.query_pairs_mut().append_pair("error", "access_denied");
    if provider == Provider::Github {
        url.query_pairs_mut()
            .append_pair("error_description", "The user has denied your application access.")
            .append_pair("error_uri", "/apps/troubleshooting-authorization-request-errors/#access-denied");
    }
}

fn append_code(url: &mut Url, shared: &Shared, request: AuthorizationRequest, persona: &Persona) {
    let code = new_code(request.provider);
    url.query_pairs_mut().append_pair("code", &code);
    if request.provider == Provider::Google {
        // Google says more than the standard; a client has to look past it.
        url.query_pairs_mut()
            .append_pair("scope", &request.scopes.join(" "))
            .append_pair("authuser", "0")
            .append_pair("prompt", "consent");
    }
    keep(shared, &code, request, persona);
}

/// The slash in Google's codes shows whether a client encodes them.
fn new_code(provider: Provider) -> String {
    match provider {
        Provider::Google => format!("4/0A{}", random::base64url()),
        Provider::Corporate => random::base64url(),
        Provider::Github => random::hex20(),
    }
}

fn keep(shared: &Shared, code: &str, request: AuthorizationRequest, persona: &Persona) {
    let provider = request.provider;
    let life = if provider == Provider::Github { GITHUB_CODE_LIFE } else { ISSUER_CODE_LIFE };
    let grant = Grant {
        provider,
        redirect_uri: request.redirect_uri,
        challenge: request.challenge,
        nonce: request.nonce,
        scopes: request.scopes,
        persona: shared.personas.visit(provider, persona),
    };
    shared.codes.keep(code, Arc::new(grant), shared.clock.now() + life);
    shared.counters.count_code(provider);
}

/// The page at the root, for whoever looks there.
pub(crate) fn root() -> Response {
    page::message(
        StatusCode::OK,
        "Provider emulator",
        "This stands in for Google, GitHub and a company's sign-in. It is for development and tests only.",
    )
}
