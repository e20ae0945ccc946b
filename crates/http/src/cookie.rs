//! The cookie that ties a sign-in to its browser.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use poem::Request;
use poem::http::header;
use vestibule_domain::ExternalAddress;
use vestibule_flows::BrowserSecret;

/// As long as an attempt may take; each new attempt renews it.
const LIFE: Duration = Duration::minutes(10);

/// With https the `__Host-` prefix makes browsers refuse the cookie from any other host, from a subdomain, or over plain
/// http (RFC 6265bis section 4.1.3.2). Over plain http, which is possible on loopback only, the prefix would make them
/// refuse it altogether.
fn name(external: &ExternalAddress) -> &'static str {
    if external.origin().is_https() { "__Host-vestibule-sign-in" } else { "vestibule-sign-in" }
}

/// The browser's secret, if it has one. A second cookie of the name was set by another party: then neither counts.
pub(crate) fn find_browser_secret(request: &Request, external: &ExternalAddress) -> Option<BrowserSecret> {
    let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = headers
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name(external))
        .map(|cookie| cookie.value().to_owned());
    match (values.next(), values.next()) {
        (Some(only), None) => BrowserSecret::from_cookie(&only),
        _ => None,
    }
}

/// The `Set-Cookie` header. `Lax`, because the callback is a navigation that begins at the provider.
pub(crate) fn set_browser_secret(secret: &BrowserSecret, external: &ExternalAddress) -> String {
    Cookie::build((name(external), secret.to_cookie()))
        .path("/")
        .http_only(true)
        .secure(external.origin().is_https())
        .same_site(SameSite::Lax)
        .max_age(LIFE)
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
    fn g2_the_cookie_is_bound_to_the_host_and_hidden_from_scripts() {
        let secret = BrowserSecret::random(&SystemRandom);
        let cookie = set_browser_secret(&secret, &external("auth.example.com"));
        assert!(cookie.starts_with("__Host-vestibule-sign-in="));
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=600"] {
            assert!(cookie.contains(attribute), "{attribute}");
        }
        assert!(!cookie.contains("Domain"));
        let loopback = set_browser_secret(&secret, &external("http://localhost:8000"));
        assert!(loopback.starts_with("vestibule-sign-in=") && !loopback.contains("Secure"));
    }

    #[test]
    fn a_second_cookie_of_the_name_makes_both_worthless() {
        let (one, two) = (BrowserSecret::random(&SystemRandom), BrowserSecret::random(&SystemRandom));
        let pair = |secret: &BrowserSecret| format!("__Host-vestibule-sign-in={}", secret.to_cookie());
        let find = |value: String| {
            let request = Request::builder().header("cookie", value).finish();
            find_browser_secret(&request, &external("auth.example.com"))
        };
        assert_eq!(find(format!("a=b; {}", pair(&one))).unwrap().to_cookie(), one.to_cookie());
        assert!(find(format!("{}; {}", pair(&one), pair(&two))).is_none());
        assert!(find("__Host-vestibule-sign-in=rubbish".into()).is_none());
        assert!(find(format!("vestibule-sign-in={}", one.to_cookie())).is_none());
    }
}
