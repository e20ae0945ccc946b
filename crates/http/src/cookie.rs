//! The cookies of the service: one ties a sign-in to its browser, one holds a browser's session.

use std::time::Duration;

use cookie::time::Duration as CookieLife;
use cookie::{Cookie, SameSite};
use poem::Request;
use poem::http::header;
use vestibule_domain::ExternalAddress;
use vestibule_flows::{BrowserSecret, SessionCookie};

/// As long as an attempt may take; each new attempt renews it.
const ATTEMPT_LIFE: Duration = Duration::from_secs(600);

/// The names of a cookie: with https, and on plain http, which is possible on loopback only.
///
/// With https the `__Host-` prefix makes browsers refuse the cookie from any other host, from a subdomain, or over plain http
/// (RFC 6265bis section 4.1.3.2). Over plain http the prefix would make them refuse it altogether.
struct Names {
    https: &'static str,
    http: &'static str,
}

const SIGN_IN: Names = Names { https: "__Host-vestibule-sign-in", http: "vestibule-sign-in" };
const SESSION: Names = Names { https: "__Host-vestibule-session", http: "vestibule-session" };

impl Names {
    fn at(&self, external: &ExternalAddress) -> &'static str {
        if external.origin().is_https() { self.https } else { self.http }
    }
}

/// The secret of a sign-in, if the browser has one.
pub(crate) fn find_browser_secret(request: &Request, external: &ExternalAddress) -> Option<BrowserSecret> {
    BrowserSecret::from_cookie(&find(request, SIGN_IN.at(external))?)
}

/// The cookie of a session, if the browser has one.
pub(crate) fn find_session_cookie(request: &Request, external: &ExternalAddress) -> Option<SessionCookie> {
    SessionCookie::from_cookie(&find(request, SESSION.at(external))?)
}

/// The `Set-Cookie` header for the secret of a sign-in.
pub(crate) fn set_browser_secret(secret: &BrowserSecret, external: &ExternalAddress) -> String {
    set(SIGN_IN.at(external), secret.to_cookie(), ATTEMPT_LIFE, external)
}

/// The `Set-Cookie` header for a session that may last so long.
pub(crate) fn set_session_cookie(
    cookie: &SessionCookie,
    life: Duration,
    external: &ExternalAddress,
) -> String {
    set(SESSION.at(external), cookie.to_cookie(), life, external)
}

/// The `Set-Cookie` header that makes a browser forget its session.
pub(crate) fn forget_session_cookie(external: &ExternalAddress) -> String {
    set(SESSION.at(external), String::new(), Duration::ZERO, external)
}

/// The value of the cookie of this name. A second one was set by another party: then neither counts.
fn find(request: &Request, name: &str) -> Option<String> {
    let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = headers
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    match (values.next(), values.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// `Lax`, because a callback is a navigation that begins at the provider, and people follow links to our pages.
fn set(name: &'static str, value: String, life: Duration, external: &ExternalAddress) -> String {
    let life = CookieLife::try_from(life).unwrap_or(CookieLife::ZERO);
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(external.origin().is_https())
        .same_site(SameSite::Lax)
        .max_age(life)
        .build()
        .to_string()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_domain::SystemRandom;

    fn external(text: &str) -> ExternalAddress {
        ExternalAddress::parse(text).unwrap()
    }

    #[test]
    fn g2_the_cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        let secret = BrowserSecret::random(&SystemRandom);
        let session = SessionCookie::random(&SystemRandom);
        let month = Duration::from_secs(30 * 24 * 3600);
        let both = |external: &ExternalAddress| {
            [set_browser_secret(&secret, external), set_session_cookie(&session, month, external)]
        };
        let https = both(&external("auth.example.com"));
        assert!(https[0].starts_with("__Host-vestibule-sign-in=") && https[0].contains("Max-Age=600"));
        assert!(https[1].starts_with("__Host-vestibule-session=") && https[1].contains("Max-Age=2592000"));
        for cookie in https {
            for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                assert!(cookie.contains(attribute), "{attribute}");
            }
            assert!(!cookie.contains("Domain"));
        }
        for (cookie, name) in
            both(&external("http://localhost:8000")).iter().zip(["vestibule-sign-in=", "vestibule-session="])
        {
            assert!(cookie.starts_with(name) && !cookie.contains("Secure"));
        }
        let forgotten = forget_session_cookie(&external("auth.example.com"));
        assert!(forgotten.starts_with("__Host-vestibule-session=;") && forgotten.contains("Max-Age=0"));
    }

    #[test]
    fn g2_a_second_cookie_of_the_name_makes_both_worthless() {
        let (one, two) = (SessionCookie::random(&SystemRandom), SessionCookie::random(&SystemRandom));
        let pair = |cookie: &SessionCookie| format!("__Host-vestibule-session={}", cookie.to_cookie());
        let find = |value: String| {
            let request = Request::builder().header("cookie", value).finish();
            find_session_cookie(&request, &external("auth.example.com"))
        };
        assert_eq!(find(format!("a=b; {}", pair(&one))).unwrap().to_cookie(), one.to_cookie());
        assert!(find(format!("{}; {}", pair(&one), pair(&two))).is_none());
        assert!(find("__Host-vestibule-session=rubbish".into()).is_none());
        assert!(find(format!("vestibule-session={}", one.to_cookie())).is_none());
        assert!(
            find(format!("__Host-vestibule-sign-in={}", one.to_cookie())).is_none(),
            "a secret of another kind"
        );
    }
}
