//! Whatever the secret: what we set is one cookie with the attributes that it must have, and it comes back as it went.

use std::collections::BTreeSet;

use proptest::array::uniform32;
use proptest::collection::vec;
use proptest::prelude::*;
use vestibule_domain::SecureRandom;

use super::*;

struct Given([u8; 32]);

impl SecureRandom for Given {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

fn secret(bytes: [u8; 32]) -> BrowserSecret {
    BrowserSecret::random(&Given(bytes))
}

fn any_external() -> impl Strategy<Value = ExternalAddress> {
    let hosts = "[a-z]{1,12}(\\.[a-z]{2,8}){1,3}(:[1-9][0-9]{0,3})?";
    let loopback = "http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[1-9][0-9]{0,3})?";
    prop_oneof![hosts, loopback].prop_map(|text| ExternalAddress::parse(&text).unwrap())
}

fn found(headers: &[&str], external: &ExternalAddress) -> Option<String> {
    let builder = headers.iter().fold(Request::builder(), |builder, value| builder.header("cookie", *value));
    find_browser_secret(&builder.finish(), external).map(|secret| secret.to_cookie())
}

proptest! {
    #[test]
    fn g2_the_cookie_has_its_attributes_and_no_others(bytes in uniform32(any::<u8>()), external in any_external()) {
        let https = external.origin().is_https();
        let set = set_browser_secret(&secret(bytes), &external);
        let mut parts = set.split("; ");
        let name = if https { "__Host-vestibule-sign-in" } else { "vestibule-sign-in" };
        prop_assert_eq!(parts.next().map(str::to_owned), Some(format!("{name}={}", secret(bytes).to_cookie())));
        let mut expected = BTreeSet::from(["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"]);
        expected.extend(https.then_some("Secure"));
        let attributes: Vec<_> = parts.collect();
        prop_assert_eq!(attributes.len(), expected.len());
        prop_assert_eq!(attributes.into_iter().collect::<BTreeSet<_>>(), expected);
        // RFC 6265 section 4.1.1: nothing in it ends a value, an attribute or a line.
        prop_assert!(set.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"\",\\".contains(&byte)));
    }

    #[test]
    fn g2_the_library_reads_the_cookie_as_it_was_meant(bytes in uniform32(any::<u8>()), external in any_external()) {
        let set = set_browser_secret(&secret(bytes), &external);
        let read = Cookie::parse(set.as_str()).unwrap();
        prop_assert_eq!(read.name(), SIGN_IN.at(&external));
        prop_assert_eq!(read.value(), secret(bytes).to_cookie());
        prop_assert_eq!((read.path(), read.domain(), read.max_age()), (Some("/"), None, Some(CookieLife::try_from(ATTEMPT_LIFE).unwrap())));
        prop_assert_eq!((read.http_only(), read.same_site()), (Some(true), Some(SameSite::Lax)));
        prop_assert_eq!(read.secure().unwrap_or(false), external.origin().is_https());
        prop_assert!(read.expires().is_none() && read.partitioned().is_none());
    }

    #[test]
    fn the_secret_comes_back_from_among_any_cookies_of_others(
        bytes in uniform32(any::<u8>()),
        external in any_external(),
        before in vec("[!#-+.-:<-\\[\\]-~]{0,10}=?[!#-+.-:<-\\[\\]-~]{0,10}", 0..4),
        after in vec("[ -~\t]{0,20}", 0..4),
    ) {
        let own = format!("{}={}", SIGN_IN.at(&external), secret(bytes).to_cookie());
        let header = [before, vec![own]].concat().join("; ");
        let headers: Vec<&str> = [header.as_str()].into_iter().chain(after.iter().map(String::as_str)).collect();
        prop_assert_eq!(found(&headers, &external), Some(secret(bytes).to_cookie()));
    }

    #[test]
    fn g2_no_text_of_a_cookie_becomes_another_in_what_is_set(text in any::<String>(), value in "[A-Za-z0-9_=; -]{40,46}", external in any_external()) {
        for value in [text, value] {
            let Some(secret) = BrowserSecret::from_cookie(&value) else { continue };
            let set = set_browser_secret(&secret, &external);
            let pair = set.split("; ").next().map(str::to_owned);
            prop_assert_eq!(pair, Some(format!("{}={value}", SIGN_IN.at(&external))));
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }
    }
}
