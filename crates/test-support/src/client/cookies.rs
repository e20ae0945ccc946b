//! The cookie jar: as much of RFC 6265 as sign-in depends on.

use std::collections::BTreeMap;

use cookie::Cookie;
use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// Cookies by host, path and name. Ports do not part them (RFC 6265 section 8.5), nor do they here.
#[derive(Debug, Default)]
pub(super) struct Cookies(BTreeMap<(String, String, String), Cookie<'static>>);

impl Cookies {
    /// Keeps what an answer sets.
    pub(super) fn keep_all(&mut self, url: &Url, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.keep(url, line);
        }
    }

    /// Keeps, replaces or removes one cookie; one that a browser would refuse is left out.
    pub(super) fn keep(&mut self, url: &Url, set_cookie: &str) {
        let Ok(cookie) = Cookie::parse(set_cookie.to_owned()) else { return };
        if cookie.name().starts_with("__Host-") && !is_host_cookie(&cookie) {
            return;
        }
        let path = cookie.path().map_or_else(|| default_path(url), str::to_owned);
        let key = (host(url), path, cookie.name().to_owned());
        if is_removal(&cookie) {
            self.0.remove(&key);
        } else {
            self.0.insert(key, cookie);
        }
    }

    /// The `Cookie` header for a request; empty when there is nothing to send.
    ///
    /// `Secure` keeps nothing back: everything under test is on loopback, which browsers count as secure.
    pub(super) fn header_for(&self, url: &Url) -> String {
        let host = host(url);
        let sent = self.0.iter().filter(|((at, path, _), _)| *at == host && path_matches(path, url.path()));
        let pairs: Vec<_> = sent.map(|(_, cookie)| cookie.stripped().to_string()).collect();
        pairs.join("; ")
    }

    /// The value of a cookie of that name.
    pub(super) fn find(&self, name: &str) -> Option<String> {
        self.0.values().find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// The names of all cookies.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.values().map(|cookie| cookie.name().to_owned()).collect()
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// What the prefix promises: see section 4.1.3.2 of the revision of RFC 6265.
fn is_host_cookie(cookie: &Cookie<'_>) -> bool {
    cookie.secure() == Some(true) && cookie.path() == Some("/") && cookie.domain().is_none()
}

/// Any date at all in the past means removal; servers use the epoch, so that no clock is needed to see it.
fn is_removal(cookie: &Cookie<'_>) -> bool {
    let at_epoch = cookie.expires_datetime().is_some_and(|date| date.unix_timestamp() < 86_400);
    cookie.max_age().map_or(at_epoch, |age| !age.is_positive())
}

/// RFC 6265 section 5.1.4: the path up to the last slash.
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
    }
}

/// RFC 6265 section 5.1.4.
fn path_matches(cookie_path: &str, request_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(set: &[&str]) -> Cookies {
        let mut cookies = Cookies::default();
        for line in set {
            cookies.keep(&url("/auth/login/google"), line);
        }
        cookies
    }

    fn url(path: &str) -> Url {
        Url::parse("http://127.0.0.1:8000").and_then(|base| base.join(path)).expect("an address")
    }

    #[test]
    fn a_cookie_goes_where_its_path_says() {
        let cookies = jar(&["a=1; Path=/", "b=2; Path=/auth", "c=3"]);
        assert_eq!(cookies.header_for(&url("/")), "a=1");
        assert_eq!(cookies.header_for(&url("/auth/check")), "a=1; b=2");
        assert_eq!(cookies.header_for(&url("/author")), "a=1");
        assert_eq!(cookies.header_for(&url("/auth/login/github")), "a=1; b=2; c=3");
    }

    #[test]
    fn a_cookie_is_not_sent_to_another_host() {
        let elsewhere = Url::parse("http://localhost:8000/").expect("an address");
        assert_eq!(jar(&["a=1; Path=/"]).header_for(&elsewhere), "");
    }

    #[test]
    fn a_later_cookie_replaces_and_an_ended_one_removes() {
        let cookies = jar(&["a=1; Path=/", "a=2; Path=/", "b=1; Path=/", "b=; Path=/; Max-Age=0"]);
        assert_eq!(cookies.header_for(&url("/")), "a=2");
        let epoch = "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(jar(&["a=1; Path=/", epoch]).names(), Vec::<String>::new());
    }

    #[test]
    fn the_host_prefix_is_held_to_its_promise() {
        let cookies = jar(&[
            "__Host-good=1; Secure; Path=/; HttpOnly",
            "__Host-open=1; Path=/",
            "__Host-path=1; Secure; Path=/auth",
            "__Host-wide=1; Secure; Path=/; Domain=127.0.0.1",
        ]);
        assert_eq!(cookies.names(), ["__Host-good"]);
    }
}
