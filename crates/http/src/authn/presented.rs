//! The credentials of a request, wherever clients put them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::http::{HeaderName, HeaderValue, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use smallvec::SmallVec;
use vestibule_domain::ExternalAddress;
use vestibule_flows::{BearerPlace, Credentials, FlowError, SessionCookie};

use super::accepts::Accepts;
use super::request_source::{is_safe, may_use_cookie};
use crate::app::App;
use crate::cookie::find_session_cookie;
use crate::error::ApiError;
use crate::form::Form;
use crate::parameters::Parameters;

const BEARER: &str = "bearer";
const BASIC: &str = "basic";
const HEADER: &str = "auth_token";
const QUERY: &str = "jwt";
const COOKIE: &str = "session_cookie";
const REFRESH: &str = "refresh_token";

const AUTH_TOKEN: HeaderName = HeaderName::from_static("auth-token");

/// The parameter by which clients of the operations that were there before session cookies ask for theirs to count, and its value.
pub(crate) const SESSION: (&str, &str) = ("session", "cookie");

/// What the headers and the query carry.
#[derive(Default)]
pub(crate) struct PresentedCredentials<'r> {
    /// In the order in which they count.
    tokens: SmallVec<[Cow<'r, str>; 2]>,
    cookie: PresentedCookie,
    /// Whether a secret of ours that is no user token stands in the address.
    is_exposed: bool,
    /// Whether a bearer counts if it is a session handle.
    takes_handle: bool,
    /// The request, if it has a token.
    with_token: Option<&'r Request>,
    /// The request, if the first of them is a bearer.
    with_bearer: Option<&'r Request>,
}

/// The session cookie of a request.
#[derive(Default)]
enum PresentedCookie {
    /// There is none, or it does not count at this operation.
    #[default]
    Absent,
    /// It counts if the form asks for it.
    IfFormAsks(SessionCookie),
    /// It counts.
    Counts(SessionCookie),
    /// It would count, if the request came from a page of ours.
    CrossOrigin,
}

impl PresentedCookie {
    fn parse(
        request: &Request,
        parameters: &Parameters<'_>,
        accepts: Accepts,
        external: Option<&ExternalAddress>,
    ) -> Self {
        let is_asked = || parameters.find(SESSION.0) == Some(SESSION.1);
        let Some(external) = external else { return Self::Absent };
        match accepts {
            Accepts::Nothing | Accepts::Bearer => Self::Absent,
            // Told apart before the cookie is looked for: most clients do not ask.
            Accepts::Token if !is_asked() && is_safe(request.method()) => Self::Absent,
            Accepts::Token if !may_use_cookie(request, external) => Self::Absent,
            Accepts::Token => find_session_cookie(request, external).map_or(Self::Absent, |cookie| {
                if is_asked() { Self::Counts(cookie) } else { Self::IfFormAsks(cookie) }
            }),
            Accepts::TokenOrCookie | Accepts::TokenHandleOrCookie | Accepts::CookieOfPage => {
                match find_session_cookie(request, external) {
                    None => Self::Absent,
                    Some(cookie) if accepts == Accepts::CookieOfPage || may_use_cookie(request, external) => {
                        Self::Counts(cookie)
                    }
                    // Another origin's page may show our page; what it asks for in JSON is answered as to nobody.
                    Some(_) if is_safe(request.method()) => Self::Absent,
                    Some(_) => Self::CrossOrigin,
                }
            }
        }
    }

    fn counting(&self, form_asks: bool) -> Option<&SessionCookie> {
        match self {
            Self::Counts(cookie) => Some(cookie),
            Self::IfFormAsks(cookie) if form_asks => Some(cookie),
            Self::IfFormAsks(_) | Self::Absent | Self::CrossOrigin => None,
        }
    }
}

impl<'r> PresentedCredentials<'r> {
    /// Reads those that the operation accepts. Without `cookies`, which is where the cookie belongs to, none counts.
    pub(crate) fn parse(
        request: &'r Request,
        parameters: &Parameters<'r>,
        accepts: Accepts,
        cookies: Option<&ExternalAddress>,
    ) -> Self {
        let tokens = match accepts {
            Accepts::Nothing | Accepts::CookieOfPage => SmallVec::new(),
            Accepts::Bearer => Self::bearers(request).filter(|token| !token.is_empty()).collect(),
            Accepts::Token | Accepts::TokenOrCookie | Accepts::TokenHandleOrCookie => {
                Self::tokens(request, parameters)
            }
        };
        let is_exposed = parameters.user_tokens().any(|token| is_secret(token));
        let with_token = (!tokens.is_empty()).then_some(request);
        let has_bearer = !tokens.is_empty() && Self::bearers(request).any(|token| !token.is_empty());
        Self {
            tokens,
            cookie: PresentedCookie::parse(request, parameters, accepts, cookies),
            is_exposed,
            takes_handle: has_bearer && accepts == Accepts::TokenHandleOrCookie,
            with_token,
            with_bearer: has_bearer.then_some(request),
        }
    }

    fn bearers(request: &'r Request) -> impl Iterator<Item = Cow<'r, str>> {
        let headers = request.headers().get_all(header::AUTHORIZATION).into_iter();
        headers.map(text_of).filter_map(|value| basic_token(&value).or_else(|| bearer_token(value)))
    }

    fn tokens(request: &'r Request, parameters: &Parameters<'r>) -> SmallVec<[Cow<'r, str>; 2]> {
        let header = |name: HeaderName| request.headers().get_all(name).into_iter().map(text_of);
        let bearer = Self::bearers(request);
        let auth_token = header(AUTH_TOKEN).map(|value| slice(value, str::trim));
        let tokens = bearer.chain(auth_token).chain(parameters.user_tokens().cloned());
        tokens.filter(|token| !token.is_empty()).collect()
    }

    /// The one token of the request, or the cookie. Two different tokens are refused: a proxy or a handler that reads the other would
    /// see another user.
    pub(crate) fn single(&self) -> Result<Credentials<'_>, ApiError> {
        self.single_of(None, false)
    }

    /// The same, where a bearer that others have made counts too, for the service that is asked for, if one is.
    pub(crate) fn single_of_anybody<'a>(
        &'a self,
        app: &App,
        service: Option<&'a str>,
    ) -> Result<Credentials<'a>, ApiError> {
        let bearer = self.with_bearer.map(|request| BearerPlace {
            method: request.method().as_str(),
            path: request.uri().path(),
            client: app.trusted_proxies.find_client(request).address(),
            service,
        });
        let client = self.with_token.and_then(|request| app.trusted_proxies.find_client(request).address());
        Ok(Credentials { bearer, client, ..self.single()? })
    }

    /// The same, with the fields `jwt` and `session` of a form as the last places to look.
    pub(crate) fn single_or<'a, F>(&'a self, form: &'a Form<F>) -> Result<Credentials<'a>, ApiError> {
        self.single_of(form.field(QUERY), form.field(SESSION.0) == Some(SESSION.1))
    }

    /// The same, by the token of a form, and whether the form asks for the cookie.
    pub(crate) fn single_of<'a>(
        &'a self,
        form: Option<&'a str>,
        form_asks: bool,
    ) -> Result<Credentials<'a>, ApiError> {
        let form = form.filter(|token| !token.is_empty());
        let mut tokens = self.tokens.iter().map(AsRef::as_ref).chain(form);
        let token = tokens.next();
        if tokens.any(|other| Some(other) != token) {
            return Err(ApiError::ConflictingTokens);
        }
        if token.is_none() && matches!(self.cookie, PresentedCookie::CrossOrigin) {
            return Err(ApiError::CrossOrigin);
        }
        let is_exposed = self.is_exposed || form.is_some_and(is_secret);
        let cookie = self.cookie.counting(form_asks);
        let takes_handle = self.takes_handle;
        Ok(Credentials { token, cookie, is_exposed, takes_handle, client: None, bearer: None })
    }
}

fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    // Tokens are plain, and telling so is quicker than to look for what has to be replaced.
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed)
}

/// The password of Basic, if it is a token of a person or a role account: what speaks Basic alone can use one. The username says nothing.
fn basic_token<'a>(value: &str) -> Option<Cow<'a, str>> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case(BASIC) {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (_, password) = decoded.split_once(':')?;
    let is_token = ["vstp_", "vstr_"].iter().any(|prefix| password.starts_with(prefix));
    is_token.then(|| Cow::Owned(password.to_owned()))
}

/// Whether a text begins as our opaque secrets and session handles do. Those do not belong into addresses, which are logged.
fn is_secret(text: &str) -> bool {
    let rest = text.strip_prefix("vst").unwrap_or_default();
    rest.starts_with("h.") || rest.as_bytes().get(1) == Some(&b'_')
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

/// The credentials of an operation that takes the session cookie without being asked to.
pub(crate) struct AnyCredentials<'r>(pub(crate) PresentedCredentials<'r>);

/// The credentials of an operation about the session, which takes a session handle as well.
pub(crate) struct SessionCredentials<'r>(pub(crate) PresentedCredentials<'r>);

/// The session cookie of a page.
pub(crate) struct PageCookie<'r>(pub(crate) PresentedCredentials<'r>);

/// A refresh token, as a bearer.
pub(crate) struct RefreshToken<'r>(pub(crate) PresentedCredentials<'r>);

impl RefreshToken<'_> {
    /// Its text, which has to be there.
    pub(crate) fn required(&self) -> Result<&str, ApiError> {
        self.0.single()?.token.ok_or_else(|| FlowError::Unauthenticated(None).into())
    }
}

/// Lets the OpenAPI document say of an operation by its argument which credentials it takes.
macro_rules! documented {
    ($name:ident: $accepts:expr, $schemes:expr, $wrap:expr) => {
        impl<'a> ApiExtractor<'a> for $name<'a> {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register_schemes(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                $schemes.to_vec()
            }

            fn has_security_fallback() -> bool {
                true
            }

            async fn from_request(
                request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<Self::ParamType>,
            ) -> poem::Result<Self> {
                let parameters = Parameters::parse(request);
                Ok($wrap(PresentedCredentials::parse(request, &parameters, $accepts, None)))
            }
        }
    };
}

documented!(PresentedCredentials: Accepts::Token, [BEARER, HEADER, QUERY], |presented| presented);
documented!(AnyCredentials: Accepts::TokenOrCookie, [BEARER, HEADER, QUERY, COOKIE], AnyCredentials);
documented!(SessionCredentials: Accepts::TokenHandleOrCookie, [BEARER, HEADER, QUERY, COOKIE], SessionCredentials);
documented!(RefreshToken: Accepts::Bearer, [REFRESH], RefreshToken);
documented!(PageCookie: Accepts::CookieOfPage, [COOKIE], PageCookie);

fn register_schemes(registry: &mut Registry) {
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
    let text = "The user token, as a bearer token (RFC 6750); where the operation says so, also one that a token handler knows, or the session handle of an app.";
    registry.create_security_scheme(BEARER, scheme("http", None, None, Some("bearer"), text));
    let text = "A refresh token, as a bearer token.";
    registry.create_security_scheme(REFRESH, scheme("http", None, None, Some("bearer"), text));
    let text = "The user token, in a header of its own.";
    registry.create_security_scheme(HEADER, scheme("apiKey", Some("Auth-Token"), Some("header"), None, text));
    let text = "The user token, as a parameter. In a POST it may also be a field of the form.";
    registry.create_security_scheme(QUERY, scheme("apiKey", Some("jwt"), Some("query"), None, text));
    let text = "The session cookie of a browser. It counts for pages of the service itself alone. On plain http, which is for \
                    development, its name has no `__Host-`.";
    registry.create_security_scheme(
        COOKIE,
        scheme("apiKey", Some("__Host-vestibule-session"), Some("cookie"), None, text),
    );
}

#[cfg(test)]
mod tests;
