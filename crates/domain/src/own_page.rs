//! The pages of the service itself that a sign-in leads back to with a session cookie in the place of a token.

use url::Url;

use crate::ExternalAddress;

/// Where these pages are: paths of these segments, and all below them. `/` is not among them.
const PLACES: [&str; 6] = ["/account", "/sign-in", "/auth/hop", "/auth/gateway", "/oauth", "/oauth1"];

const MAX_LENGTH: usize = 2048;

/// A page of the service itself, as path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPage(String);

impl OwnPage {
    /// Reads the address of such a page: absolute, or a path that begins with one slash. `None` for every other text.
    ///
    /// What browsers would make of it decides, so that no two readers differ: a path with `..` is the one that it leads to.
    pub fn parse(text: &str, external: &ExternalAddress) -> Option<Self> {
        let is_plain =
            text.len() <= MAX_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !is_plain {
            return None;
        }
        let path = match text.strip_prefix(external.origin().as_str()) {
            Some(rest) => rest,
            None => text,
        };
        if !path.starts_with('/') || path.starts_with("//") {
            return None;
        }
        let url = Url::parse(&external.join(path)).ok()?;
        let is_ours = url.origin().ascii_serialization() == external.origin().as_str();
        let is_place = PLACES.iter().any(|place| {
            url.path().strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let page = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        (is_ours && is_place && page.len() <= MAX_LENGTH).then_some(Self(page))
    }

    /// The path and the query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<String> {
        let external = ExternalAddress::parse("https://auth.example.com").unwrap();
        OwnPage::parse(text, &external).map(|page| page.as_str().to_owned())
    }

    #[test]
    fn a_page_is_named_by_its_path_or_its_absolute_address() {
        for page in [
            "/account",
            "/account/",
            "/account/tokens?x=1&y=%20",
            "/sign-in",
            "/auth/hop?request=a",
            "/oauth/authorize",
        ] {
            assert_eq!(parse(page).as_deref(), Some(page));
            assert_eq!(parse(&format!("https://auth.example.com{page}")).as_deref(), Some(page));
        }
        assert_eq!(parse("/oauth1/authorize/../x").as_deref(), Some("/oauth1/x"), "as browsers read it");
    }

    #[test]
    fn a5_nothing_else_is_a_page_of_ours() {
        for text in [
            "",
            "/",
            "account",
            "/accounts",
            "/account-x",
            "/auth",
            "/auth/",
            "/auth/hopper",
            "/auth/login/google",
            "/oauth2",
            "//account",
            "///account",
            "/\\account",
            "/account\\x",
            "/account x",
            "/ACCOUNT",
            "/%61ccount",
            "/account/../auth/logout",
            "/account/%2e%2e/auth/logout",
            "https://auth.example.com",
            "https://auth.example.com.evil/account",
            "https://auth.example.com@evil/account",
            "https://auth.example.com:8443/account",
            "http://auth.example.com/account",
            "https://evil.example/account",
            "javascript:/account",
            "/account\r\n",
            "/account\u{e4}",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&format!("/account?{}", "x".repeat(2048))), None);
    }

    proptest! {
        #[test]
        fn a5_every_page_leads_to_a_place_of_ours(text in "/?(account|oauth|sign-in|auth/hop|x)?[/.%a-zA-Z0-9?#@:&=]{0,40}") {
            let external = ExternalAddress::parse("https://auth.example.com").unwrap();
            if let Some(page) = OwnPage::parse(&text, &external) {
                let url = Url::parse(&external.join(page.as_str())).unwrap();
                prop_assert_eq!(url.origin().ascii_serialization(), "https://auth.example.com");
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                let is_place = ["account", "sign-in", "oauth", "oauth1"].contains(&segments[0])
                    || segments[0] == "auth" && ["hop", "gateway"].contains(&segments[1]);
                prop_assert!(is_place, "{}", url);
                prop_assert_eq!(OwnPage::parse(page.as_str(), &external), Some(page), "it is read again as itself");
            }
        }
    }
}
