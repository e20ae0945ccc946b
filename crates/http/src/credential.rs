//! The user token of a request, wherever clients put it.

use std::borrow::Cow;

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use url::form_urlencoded;
use vestibule_flows::Credentials;

use crate::problem::Problem;

/// The tokens that the headers and the query carry, in the order in which they count.
pub(crate) struct Credential(Vec<String>);

fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    // Tokens are plain, and telling so is quicker than to look for what has to be replaced.
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed)
}

const BEARER: &str = "bearer";
const HEADER: &str = "auth_token";
const QUERY: &str = "jwt";

const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");

impl Credential {
    pub(crate) fn of(request: &Request) -> Self {
        let header = |name: HeaderName| request.headers().get_all(name).into_iter().map(text_of);
        let bearer = header(header::AUTHORIZATION).filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let auth_token = header(AUTH_TOKEN).map(|value| value.trim().to_owned());
        let query = request.uri().query().unwrap_or_default();
        let parameter = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "jwt");
        let tokens = bearer.chain(auth_token).chain(parameter.map(|(_, value)| value.into_owned()));
        Self(tokens.filter(|token| !token.is_empty()).collect())
    }

    /// The one token of the request. Two different ones are refused: whoever looks at the other would see another user.
    pub(crate) fn presented(&self) -> Result<Credentials<'_>, Problem> {
        self.presented_or(None)
    }

    /// The same, with the `jwt` of a form body as the last place to look.
    pub(crate) fn presented_or<'a>(&'a self, form: Option<&'a str>) -> Result<Credentials<'a>, Problem> {
        self.token_or(form).map(|token| Credentials { token })
    }

    /// The same, with the `jwt` of a form body as the last place to look.
    pub(crate) fn token_or<'a>(&'a self, form: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
        let mut tokens = self.0.iter().map(String::as_str).chain(form.filter(|token| !token.is_empty()));
        let first = tokens.next();
        if tokens.any(|other| Some(other) != first) { Err(Problem::ConflictingTokens) } else { Ok(first) }
    }
}

/// The token of a request that has exactly one, written plainly, and besides it at most a `next` that nobody has to look
/// at. `None` says nothing about what a request has: then [`Credential::of`] is to look.
pub(crate) fn only_token(request: &Request) -> Option<&str> {
    let query = request.uri().query().unwrap_or_default();
    if query.matches("next=").count() > 1 {
        return None;
    }
    let headers = request.headers();
    let bearer = headers.get_all(header::AUTHORIZATION).iter().map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case(BEARER).then_some(token)
    });
    let auth_token = headers.get_all(AUTH_TOKEN).iter().map(|value| value.to_str().ok());
    let pieces = query.split('&').filter(|piece| !piece.is_empty() && !piece.starts_with("next="));
    let parameters = pieces.map(|piece| piece.strip_prefix("jwt=").filter(|text| !text.contains(['%', '+'])));
    let mut tokens = bearer.chain(auth_token).chain(parameters);
    let only = tokens.next()??.trim();
    (tokens.next().is_none() && !only.is_empty()).then_some(only)
}

impl<'a> ApiExtractor<'a> for Credential {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = |ty, name, key_in, scheme, description| MetaSecurityScheme {
            ty,
            description: Some(description),
            name,
            key_in,
            scheme,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        let text = "The user token, as a bearer token (RFC 6750).";
        registry.create_security_scheme(BEARER, scheme("http", None, None, Some("bearer"), text));
        let text = "The user token, in a header of its own.";
        registry
            .create_security_scheme(HEADER, scheme("apiKey", Some("Auth-Token"), Some("header"), None, text));
        let text = "The user token, as a parameter. In a POST it may also be a field of the form.";
        registry.create_security_scheme(QUERY, scheme("apiKey", Some("jwt"), Some("query"), None, text));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, HEADER, QUERY]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Ok(Self::of(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(build: impl FnOnce(poem::RequestBuilder) -> poem::RequestBuilder) -> Credential {
        Credential::of(&build(Request::builder()).finish())
    }

    #[test]
    fn the_places_are_looked_at_in_order_and_empty_means_absent() {
        let request = credential(|r| {
            r.uri_str("/x?jwt=&next=y").header("Auth-Token", "").header("Authorization", "Bearer ")
        });
        assert_eq!(request.token_or(None).unwrap(), None);
        assert_eq!(request.token_or(Some("form")).unwrap(), Some("form"));
        assert_eq!(credential(|r| r.header("authorization", "bearer a")).token_or(None).unwrap(), Some("a"));
        assert_eq!(credential(|r| r.header("auth-token", "a")).token_or(None).unwrap(), Some("a"));
        assert_eq!(credential(|r| r.uri_str("/x?jwt=a%2Eb")).token_or(None).unwrap(), Some("a.b"));
        assert_eq!(credential(|r| r.header("authorization", "Basic YTpi")).token_or(None).unwrap(), None);
    }

    #[test]
    fn a_token_that_is_plainly_the_only_one_is_found_without_a_copy() {
        let only = |build: fn(poem::RequestBuilder) -> poem::RequestBuilder| {
            let request = build(Request::builder()).finish();
            let only = only_token(&request).map(str::to_owned);
            // Whatever is found at once is what is found by looking everywhere.
            assert!(only.is_none() || Credential::of(&request).token_or(None).unwrap() == only.as_deref());
            only
        };
        for request in [
            (|r| r.header("Auth-Token", " a ")) as fn(poem::RequestBuilder) -> poem::RequestBuilder,
            |r| r.header("Authorization", "bearer  a"),
            |r| r.uri_str("/x?jwt=a"),
            |r| r.uri_str("/x?&next=https%3A%2F%2Fb&jwt=a"),
            |r| r.uri_str("/x?next=").header("Auth-Token", "a"),
        ] {
            assert_eq!(only(request).as_deref(), Some("a"));
        }
        for request in [
            (|r| r) as fn(poem::RequestBuilder) -> poem::RequestBuilder,
            |r| r.header("Auth-Token", " "),
            |r| r.header("Auth-Token", "a").header("Auth-Token", "a"),
            |r| r.header("Auth-Token", "a").header("Authorization", "Basic YTpi"),
            |r| r.header("Auth-Token", "a").header("Authorization", "x"),
            |r| r.uri_str("/x?jwt=a").header("Auth-Token", "a"),
            |r| r.uri_str("/x?jwt=a&jwt=b"),
            |r| r.uri_str("/x?jwt=a%2Eb"),
            |r| r.uri_str("/x?%6awt=b").header("Auth-Token", "a"),
            |r| r.uri_str("/x?next=b&next=c").header("Auth-Token", "a"),
            |r| r.uri_str("/x?next=b&%6eext=c").header("Auth-Token", "a"),
            |r| r.uri_str("/x?other=b").header("Auth-Token", "a"),
            |r| r.uri_str("/x?next").header("Auth-Token", "a"),
        ] {
            assert_eq!(only(request), None);
        }
    }

    #[test]
    fn the_same_token_twice_is_one_and_two_different_ones_are_refused() {
        let twice = credential(|r| r.uri_str("/x?jwt=a").header("Auth-Token", "a"));
        assert_eq!(twice.token_or(None).unwrap(), Some("a"));
        assert!(twice.token_or(Some("b")).is_err());
        assert!(credential(|r| r.uri_str("/x?jwt=a&jwt=b")).token_or(None).is_err());
        assert!(
            credential(|r| r.uri_str("/x?jwt=a").header("Authorization", "Bearer b")).token_or(None).is_err()
        );
    }
}
