//! Which headers a page may send that is allowed to ask.
//!
//! Tools that watch pages add headers of their own to every request (`baggage`, `sentry-trace`, `traceparent`), and a preflight that
//! does not permit them fails the request. So whatever is asked for is permitted, but for what a proxy or this service would take
//! for somebody else's word (decision 29).

use poem::http::{HeaderMap, HeaderValue, header};

/// What the service itself reads.
const OWN: &str = "authorization, auth-token, content-type";

/// How many names of a request are looked at, and how long one may be: an answer is not as long as its request would have it.
const MAX_NAMES: usize = 32;
const MAX_LENGTH: usize = 64;

/// Headers by which proxies and servers say where a request comes from, where it goes, who sends it or how it is to be read, and
/// those that only a browser may set.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "remote-user",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-method-override",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
];

/// The beginnings of more of them.
const RESERVED_PREFIXES: &[&str] = &[
    "access-control-",
    "cf-",
    "proxy-",
    "sec-",
    "ssl-",
    "x-accel-",
    "x-auth-",
    "x-envoy-",
    "x-forwarded",
    "x-http-method",
    "x-original-",
    "x-ssl-",
];

/// The headers that a page may send: ours, and those that its preflight asks for.
pub(super) fn permitted_headers(preflight: &HeaderMap) -> HeaderValue {
    let mut permitted = OWN.to_owned();
    for name in requested(preflight).take(MAX_NAMES) {
        let is_listed = permitted.split(", ").any(|listed| listed == name);
        if !is_reserved(&name) && !is_listed {
            permitted.push_str(", ");
            permitted.push_str(&name);
        }
    }
    HeaderValue::from_str(&permitted).unwrap_or(HeaderValue::from_static(OWN))
}

/// The names in a preflight, in small letters. What is no plain name is left out.
fn requested(preflight: &HeaderMap) -> impl Iterator<Item = String> {
    let lists = preflight.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    names.map(str::trim_ascii).filter(|name| is_plain(name)).map(str::to_ascii_lowercase)
}

/// INVARIANT: `*`, which is a name by the syntax of headers, is none here: in an answer it stands for every header, the reserved ones
/// too (Fetch standard, section 3.3.3).
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LENGTH).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Servers behind some interfaces cannot tell a hyphen from an underscore.
fn is_reserved(name: &str) -> bool {
    let name = name.replace('_', "-");
    RESERVED.contains(&&*name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permitted(requested: &[&str]) -> String {
        let mut preflight = HeaderMap::new();
        for list in requested {
            let list = HeaderValue::from_bytes(list.as_bytes()).unwrap();
            preflight.append(header::ACCESS_CONTROL_REQUEST_HEADERS, list);
        }
        permitted_headers(&preflight).to_str().unwrap().to_owned()
    }

    #[test]
    fn g6_what_tools_add_to_a_request_is_permitted_in_small_letters_and_once() {
        assert_eq!(permitted(&[]), OWN);
        assert_eq!(permitted(&["authorization,content-type"]), OWN);
        let tools =
            "baggage, Sentry-Trace ,traceparent,tracestate,x-requested-with,x-datadog-trace-id,newrelic,b3";
        assert_eq!(
            permitted(&[tools, "baggage"]),
            format!(
                "{OWN}, baggage, sentry-trace, traceparent, tracestate, x-requested-with, x-datadog-trace-id, newrelic, b3"
            )
        );
    }

    #[test]
    fn g6_what_others_would_believe_is_not_permitted() {
        for name in RESERVED {
            assert_eq!(permitted(&[name]), OWN, "{name}");
            assert_eq!(permitted(&[&name.to_uppercase().replace('-', "_")]), OWN, "{name}");
        }
        for prefix in RESERVED_PREFIXES {
            assert_eq!(permitted(&[&format!("{prefix}for")]), OWN, "{prefix}");
        }
        assert_eq!(permitted(&["X-Forwarded-For, cookie, X-Auth-User, x-original-url, x-real-ip"]), OWN);
    }

    // In an answer without credentials it would permit every header.
    #[test]
    fn g6_a_star_is_not_permitted_nor_is_anything_but_a_plain_name() {
        for list in
            ["*", " * ", "*,x-real-ip", "x-*", "**", "x.y", "x!y", "x'y", "x y", "~", "null;", "", ","]
        {
            assert_eq!(permitted(&[list]), OWN, "{list}");
        }
        assert_eq!(permitted(&["*, baggage", "*", "b3"]), format!("{OWN}, baggage, b3"));
    }

    #[test]
    fn g6_no_answer_is_as_long_as_a_request_would_have_it() {
        assert_eq!(permitted(&[&"x".repeat(MAX_LENGTH + 1)]), OWN);
        let many: Vec<_> = (0..=MAX_NAMES).map(|index| format!("x-{index}")).collect();
        let answer = permitted(&[&many.join(",")]);
        assert!(answer.ends_with(&format!(", x-{}", MAX_NAMES - 1)), "{answer}");
    }

    proptest! {
        #[test]
        fn g6_whatever_is_asked_for_each_name_of_the_answer_is_a_plain_one_and_was_asked_for(
            list in "([a-zA-Z0-9_-]{1,12}|[ -~]{0,12}|[*. ]{1,2})(,([a-zA-Z0-9_-]{1,12}|[ -~]{0,12}|[*. ]{1,2})){0,40}",
        ) {
            let answer = permitted(&[&list]);
            let names: Vec<_> = answer.split(", ").collect();
            prop_assert!(names.len() <= MAX_NAMES + 3);
            let asked = list.to_ascii_lowercase();
            for name in names.iter().skip(3) {
                let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
                prop_assert!(!name.is_empty() && name.bytes().all(is_plain));
                prop_assert!(asked.contains(name) && !is_reserved(name));
            }
        }
    }
}
