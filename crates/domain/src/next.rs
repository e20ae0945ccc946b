//! `next`: where a person goes when the sign-in is done, carrying a token. The most attacked value of the service.

use std::fmt;

use thiserror::Error;
use url::{Url, form_urlencoded};

use crate::{AllowedOrigins, Origin};

/// Why a `next` is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NextError {
    /// Longer than 2,048 bytes.
    #[error("next is longer than 2048 bytes")]
    TooLong,
    /// A space, control character, backslash or anything outside ASCII: they must arrive percent-encoded.
    #[error("next has a character that must be percent-encoded")]
    Character,
    /// Not an absolute http or https address with a plain host and port.
    #[error("next is not an absolute http or https address")]
    Form,
    /// It is no page of the service itself, where one is expected.
    #[error("next is no page of the service itself")]
    NotOwnPage,
    /// Its origin is not one of the allowed ones.
    #[error("the origin of next is not one of the allowed origins")]
    Origin,
}

const MAX_LENGTH: usize = 2048;

/// An address at an allowed origin, kept byte for byte as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct NextUrl(String);

impl NextUrl {
    /// Takes an address that has already been decoded once, as a query parameter is.
    ///
    /// The characters and the authority are restricted to what every parser reads alike before the WHATWG parser says
    /// what the origin is; only so is it safe to send the bytes on as they came.
    pub fn parse(text: &str, allowed: &AllowedOrigins) -> Result<Self, NextError> {
        if text.len() > MAX_LENGTH {
            return Err(NextError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(NextError::Character);
        }
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(NextError::Form)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return Err(NextError::Form);
        }
        let url = Url::parse(text).map_err(|_| NextError::Form)?;
        let origin = Origin::from_url(&url).map_err(|_| NextError::Origin)?;
        if allowed.allow(&origin) { Ok(Self(text.to_owned())) } else { Err(NextError::Origin) }
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NextUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may hold a frontend's own secrets.
        formatter.write_str(self.0.split(['?', '#']).next().unwrap_or_default())
    }
}

/// Where a finished sign-in leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// No `next` was given: the service's own page.
    Home,
    /// An address at an allowed origin.
    Url(NextUrl),
}

impl Next {
    /// Reads the parameter; absent and empty mean the service's own page.
    pub fn parse(parameter: Option<&str>, allowed: &AllowedOrigins) -> Result<Self, NextError> {
        match parameter {
            None | Some("") => Ok(Self::Home),
            Some(text) => NextUrl::parse(text, allowed).map(Self::Url),
        }
    }

    /// The text that [`Next::parse`] reads back as this value.
    pub fn as_parameter(&self) -> &str {
        match self {
            Self::Home => "",
            Self::Url(url) => url.as_str(),
        }
    }

    /// This address with exactly one `jwt` parameter, ours; every other byte and the order stay. `home` is the absolute
    /// address of the service's own page.
    pub fn with_token(&self, home: &str, token: &str) -> String {
        with_parameter(self.address(home), ("jwt", token), &["jwt"])
    }

    /// This address with exactly one `error` parameter and no `jwt`; every other byte and the order stay.
    pub fn with_error(&self, home: &str, error: &str) -> String {
        with_parameter(self.address(home), ("error", error), &["error", "jwt"])
    }

    fn address<'a>(&'a self, home: &'a str) -> &'a str {
        match self {
            Self::Home => home,
            Self::Url(url) => url.as_str(),
        }
    }
}

/// Drops the parameters called `dropped` from the query, appends `name=value`, and keeps the fragment behind it.
fn with_parameter(address: &str, (name, value): (&str, &str), dropped: &[&str]) -> String {
    let (address, fragment) = match address.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (address, None),
    };
    let (base, query) = address.split_once('?').unwrap_or((address, ""));
    let mut parts: Vec<&str> = query.split('&').filter(|part| !is_named(part, dropped)).collect();
    if parts == [""] {
        parts.clear();
    }
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let added = format!("{name}={value}");
    parts.push(&added);
    let query = parts.join("&");
    match fragment {
        Some(fragment) => format!("{base}?{query}#{fragment}"),
        None => format!("{base}?{query}"),
    }
}

/// Whether a `name=value` of a query decodes to one of these names.
fn is_named(part: &str, names: &[&str]) -> bool {
    form_urlencoded::parse(part.as_bytes()).next().is_some_and(|(name, _)| names.contains(&name.as_ref()))
}

#[cfg(test)]
mod tests;
