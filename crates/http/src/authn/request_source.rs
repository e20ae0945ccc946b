//! Which pages a request comes from, as far as its browser says. A cookie counts for pages of its own origin alone.

use poem::Request;
use poem::http::{Method, header};
use vestibule_domain::ExternalAddress;

/// Fetch Metadata (W3C, section 2.3).
const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";

/// Whether the session cookie may count for what this request asks for.
///
/// What may change something has to come from a page of the service itself: the browser says so in `Sec-Fetch-Site`, or, if it does
/// not know that header, in `Origin`. What only reads may not come from another origin's page; a program that is no browser sends
/// neither header.
pub(crate) fn may_use_cookie(request: &Request, external: &ExternalAddress) -> bool {
    let site = request.header(SEC_FETCH_SITE);
    if is_safe(request.method()) {
        return !request.headers().contains_key(SEC_FETCH_SITE)
            || matches!(site, Some("same-origin" | "none"));
    }
    match site {
        Some(site) => site == "same-origin",
        None if request.headers().contains_key(SEC_FETCH_SITE) => false,
        None => {
            let mut origins = request.headers().get_all(header::ORIGIN).iter();
            let origin = origins.next().and_then(|origin| origin.to_str().ok());
            origin == Some(external.origin().as_str()) && origins.next().is_none()
        }
    }
}

/// Whether a person goes there in their browser, by a link or a form, so that the answer is what they see: the browser says so, or, if it
/// does not know that header (Fetch Metadata, W3C, section 2.2), it takes pages.
pub(crate) fn is_navigation(request: &Request) -> bool {
    match request.header(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => request.header(header::ACCEPT).is_some_and(|accepted| accepted.contains("text/html")),
    }
}

/// Whether a method only reads (RFC 9110 section 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(method: Method, headers: &[(&str, &str)]) -> bool {
        let external = ExternalAddress::parse("auth.example.com").unwrap();
        let request = headers
            .iter()
            .fold(Request::builder().method(method), |r, (name, value)| r.header(*name, *value));
        may_use_cookie(&request.finish(), &external)
    }

    #[test]
    fn g5_what_may_change_something_comes_from_our_own_pages_alone() {
        let own = "https://auth.example.com";
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let may = |headers: &[(&str, &str)]| may(method.clone(), headers);
            assert!(may(&[("sec-fetch-site", "same-origin")]));
            assert!(may(&[("origin", own)]), "a browser without Sec-Fetch");
            for refused in [
                &[][..],
                &[("sec-fetch-site", "same-site")],
                &[("sec-fetch-site", "cross-site"), ("origin", own)],
                &[("sec-fetch-site", "none")],
                &[("sec-fetch-site", "")],
                &[("sec-fetch-site", "same-origin, cross-site")],
                &[("origin", "null")],
                &[("origin", "https://auth.example.com.evil.example")],
                &[("origin", "http://auth.example.com")],
                &[("origin", "https://auth.example.com:8443")],
                &[("origin", own), ("origin", "https://evil.example")],
            ] {
                assert!(!may(refused), "{method} {refused:?}");
            }
        }
    }

    #[test]
    fn a_navigation_is_what_the_browser_says_or_asks_for_pages() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("sec-fetch-mode", "navigate")], true),
            (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
            (&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], true),
            (&[("accept", "application/json")], false),
        ] {
            let request = headers.iter().fold(Request::builder(), |r, (name, value)| r.header(*name, *value));
            assert_eq!(is_navigation(&request.finish()), expected, "{headers:?}");
        }
    }

    #[test]
    fn g5_what_only_reads_is_not_read_by_pages_of_others() {
        for (headers, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "rubbish")], false),
        ] {
            assert_eq!(may(Method::GET, headers), expected, "{headers:?}");
        }
    }
}
