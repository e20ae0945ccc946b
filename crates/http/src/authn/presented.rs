//! The user token of a request, wherever clients put it.

use std::borrow::Cow;

use poem::http::{HeaderName, HeaderValue, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use smallvec::SmallVec;
use vestibule_flows::Credentials;

use crate::error::ApiError;
use crate::parameters::Parameters;

const BEARER: &str = "bearer";
const HEADER: &str = "auth_token";
const QUERY: &str = "jwt";

const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");

/// The tokens that the headers and the query carry, in the order in which they count.
#[derive(Default)]
pub(crate) struct PresentedCredentials<'r>(SmallVec<[Cow<'r, str>; 2]>);

impl<'r> PresentedCredentials<'r> {
    pub(crate) fn parse(request: &'r Request, parameters: &Parameters<'r>) -> Self {
        let header = |name: HeaderName| request.headers().get_all(name).into_iter().map(text_of);
        let bearer = header(header::AUTHORIZATION).filter_map(bearer_token);
        let auth_token = header(AUTH_TOKEN).map(|value| slice(value, str::trim));
        let tokens = bearer.chain(auth_token).chain(parameters.user_tokens().cloned());
        Self(tokens.filter(|token| !token.is_empty()).collect())
    }

    /// The one token of the request. Two different ones are refused: a proxy or a handler that reads the other would see another user.
    pub(crate) fn token(&self) -> Result<Credentials<'_>, ApiError> {
        self.token_or(None)
    }

    /// The same, with the `jwt` of a form body as the last place to look.
    pub(crate) fn token_or<'a>(&'a self, form: Option<&'a str>) -> Result<Credentials<'a>, ApiError> {
        let form = form.filter(|token| !token.is_empty());
        let mut tokens = self.0.iter().map(AsRef::as_ref).chain(form);
        let token = tokens.next();
        if tokens.any(|other| Some(other) != token) {
            return Err(ApiError::ConflictingTokens);
        }
        Ok(Credentials { token })
    }
}

fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    // Tokens are plain, and telling so is quicker than to look for what has to be replaced.
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed)
}

fn bearer_token(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let (scheme, _) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case(BEARER)
        .then(|| slice(value, |text| text.split_once(' ').map_or("", |(_, token)| token.trim())))
}

/// A part of a text, borrowed if the text is.
fn slice(text: Cow<'_, str>, part: impl FnOnce(&str) -> &str) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

impl<'a> ApiExtractor<'a> for PresentedCredentials<'a> {
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
        Ok(Self::parse(request, &Parameters::parse(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one token of a request, if there is not a second one.
    fn token(
        build: impl FnOnce(poem::RequestBuilder) -> poem::RequestBuilder,
        form: Option<&str>,
    ) -> Result<Option<String>, ApiError> {
        let request = build(Request::builder()).finish();
        let presented = PresentedCredentials::parse(&request, &Parameters::parse(&request));
        presented.token_or(form).map(|credentials| credentials.token.map(str::to_owned))
    }

    #[test]
    fn the_places_are_looked_at_in_order_and_empty_means_absent() {
        let found =
            |build: fn(poem::RequestBuilder) -> poem::RequestBuilder, form| token(build, form).unwrap();
        let empty: fn(poem::RequestBuilder) -> poem::RequestBuilder =
            |r| r.uri_str("/x?jwt=&next=y").header("Auth-Token", "").header("Authorization", "Bearer ");
        assert_eq!(found(empty, None), None);
        assert_eq!(found(empty, Some("form")).as_deref(), Some("form"));
        assert_eq!(found(|r| r.header("authorization", "bearer  a"), None).as_deref(), Some("a"));
        assert_eq!(found(|r| r.header("auth-token", " a "), None).as_deref(), Some("a"));
        assert_eq!(found(|r| r.uri_str("/x?jwt=a%2Eb"), None).as_deref(), Some("a.b"));
        assert_eq!(found(|r| r.uri_str("/x?%6awt=a"), None).as_deref(), Some("a"));
        assert_eq!(found(|r| r.header("authorization", "Basic YTpi"), None), None);
        assert_eq!(found(|r| r.header("authorization", "x"), None), None);
    }

    #[test]
    fn a_token_that_is_written_plainly_is_not_copied() {
        let request = Request::builder().uri_str("/x?jwt=a&jwt=%61").header("auth-token", " a ").finish();
        let presented = PresentedCredentials::parse(&request, &Parameters::parse(&request));
        let borrowed: Vec<_> = presented.0.iter().map(|token| matches!(token, Cow::Borrowed("a"))).collect();
        assert_eq!(borrowed, [true, true, false]);
        assert_eq!(presented.token().unwrap().token, Some("a"));
    }

    #[test]
    fn the_same_token_twice_is_one_and_two_different_ones_are_refused() {
        let twice = |r: poem::RequestBuilder| r.uri_str("/x?jwt=a").header("Auth-Token", "a");
        assert_eq!(token(twice, Some("a")).unwrap().as_deref(), Some("a"));
        assert!(token(twice, Some("b")).is_err());
        assert!(token(|r| r.uri_str("/x?jwt=a&jwt=b"), None).is_err());
        assert!(token(|r| r.uri_str("/x?jwt=a").header("Authorization", "Bearer b"), None).is_err());
    }
}
