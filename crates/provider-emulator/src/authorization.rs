//! What a client may ask of an authorization endpoint.

use url::Url;

use crate::lock::lock;
use crate::parameters::Parameters;
use crate::provider::Provider;
use crate::shared::Shared;

/// An authorization request that keeps all the rules of its provider.
#[derive(Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) provider: Provider,
    /// Where the browser goes back to.
    pub(crate) return_to: Url,
    /// The redirect URI as the client wrote it, if it did.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// What is wrong with a request, as a sentence for its author.
type Wrong = String;

impl AuthorizationRequest {
    /// Reads a request. A wrong one is never answered with a redirect, as at the real providers: nobody knows
    /// yet whether the address in it belongs to the client.
    pub(crate) fn parse(shared: &Shared, provider: Provider, parameters: &Parameters) -> Result<Self, Wrong> {
        check_client(shared, provider, parameters)?;
        let redirect_uri = parameters.find("redirect_uri").map(str::to_owned);
        let request = Self {
            provider,
            return_to: find_return(shared, provider, redirect_uri.as_deref())?,
            redirect_uri,
            state: parameters.find("state").map(str::to_owned),
            scopes: scopes(parameters),
            challenge: challenge(provider, parameters)?,
            nonce: parameters.find("nonce").map(str::to_owned),
        };
        if provider != Provider::Github {
            request.check_openid(parameters)?;
        }
        Ok(request)
    }

    fn check_openid(&self, parameters: &Parameters) -> Result<(), Wrong> {
        match parameters.find("response_type") {
            Some("code") => {}
            Some(other) => return Err(format!("The response_type is {other:?}; only code is offered.")),
            None => return Err("The parameter response_type is missing.".to_owned()),
        }
        if self.scopes.iter().any(|scope| scope == "openid") {
            Ok(())
        } else {
            Err("The scope does not hold openid.".to_owned())
        }
    }
}

fn check_client(shared: &Shared, provider: Provider, parameters: &Parameters) -> Result<(), Wrong> {
    match parameters.find("client_id") {
        Some(id) if id == shared.client(provider).id => Ok(()),
        Some(id) => Err(format!("No client {id:?} is registered at {provider}.")),
        None => Err("The parameter client_id is missing.".to_owned()),
    }
}

fn find_return(shared: &Shared, provider: Provider, redirect_uri: Option<&str>) -> Result<Url, Wrong> {
    let registered = lock(&shared.redirect_uris);
    let policy = registered.of(provider);
    let uri = match redirect_uri {
        Some(uri) => uri,
        None if provider == Provider::Github => {
            policy.find_default().ok_or("There is no registered redirect URI to take for the missing one.")?
        }
        None => return Err("The parameter redirect_uri is missing.".to_owned()),
    };
    policy.find(uri).ok_or_else(|| format!("The redirect_uri {uri:?} is not registered for this client."))
}

/// GitHub separates scopes by commas as well as by spaces.
fn scopes(parameters: &Parameters) -> Vec<String> {
    let text = parameters.find("scope").unwrap_or_default();
    text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// The challenge of RFC 7636 section 4.3. Only S256 is taken, and only GitHub lets clients do without.
fn challenge(provider: Provider, parameters: &Parameters) -> Result<Option<String>, Wrong> {
    let Some(challenge) = parameters.find("code_challenge") else {
        return if provider == Provider::Github {
            Ok(None)
        } else {
            Err("The parameter code_challenge is missing: PKCE is required.".to_owned())
        };
    };
    if parameters.find("code_challenge_method") != Some("S256") {
        return Err("The code_challenge_method must be S256.".to_owned());
    }
    let digest_like = challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !digest_like {
        return Err("The code_challenge is not a SHA-256 digest in URL-safe base64.".to_owned());
    }
    Ok(Some(challenge.to_owned()))
}
