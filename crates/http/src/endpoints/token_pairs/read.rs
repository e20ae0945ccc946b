//! What programs ask of pairs of tokens, from a form.

use vestibule_domain::{Scopes, Services, TokenName};
use vestibule_flows::{GrantNarrowing, GrantRequest};

use crate::error::ApiError;
use crate::form::Form;
use crate::members::wrong;

/// What a pair is made of.
pub(super) enum GrantType<'a> {
    /// What the person who asks may do.
    Session,
    /// The pair before, by its refresh token.
    RefreshToken(&'a str),
}

/// Reads the kind of a request for a pair. Nothing of it may stand in the address.
pub(super) fn grant_type<F>(form: &Form<F>) -> Result<GrantType<'_>, ApiError> {
    match field(form, "grant_type") {
        None => Err(wrong("grant_type", "is missing")),
        Some("session") => Ok(GrantType::Session),
        Some("refresh_token") => match field(form, "refresh_token") {
            Some(token) => Ok(GrantType::RefreshToken(token)),
            None => Err(wrong("refresh_token", "is missing")),
        },
        Some(_) => Err(ApiError::UnsupportedGrantType),
    }
}

/// A new pair.
pub(super) fn grant_request<F>(form: &Form<F>) -> Result<GrantRequest, ApiError> {
    let name = field(form, "client_name").ok_or_else(|| wrong("client_name", "is missing"))?;
    let client_name = TokenName::parse(name).map_err(|error| wrong("client_name", error))?;
    let GrantNarrowing { services, scopes } = narrowing(form)?;
    Ok(GrantRequest { client_name, services, scopes })
}

/// What the access token of the next pair is to lend.
pub(super) fn narrowing<F>(form: &Form<F>) -> Result<GrantNarrowing, ApiError> {
    let services = field(form, "services").map(Services::parse).transpose();
    let scopes = field(form, "scope").map(Scopes::parse).transpose();
    Ok(GrantNarrowing {
        services: services.map_err(|error| wrong("services", error))?,
        scopes: scopes.map_err(|error| wrong("scope", error))?,
    })
}

/// Empty means absent (RFC 6749 section 3.2).
fn field<'a, F>(form: &'a Form<F>, name: &str) -> Option<&'a str> {
    form.field(name).filter(|text| !text.is_empty())
}
