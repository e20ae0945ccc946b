//! The targets of the fuzzer in this crate: headers, queries, cookies and bodies of requests.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use ::cookie::Cookie;
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Request, RequestParts};
use tokio::runtime::{Builder, Runtime};
use url::form_urlencoded;
use vestibule_domain::ExternalAddress;

use crate::authn::{Accepts, PresentedCredentials};
use crate::client_address::{ClientAddress, TrustedProxies, address_in};
use crate::cookie::{find_browser_secret, set_browser_secret};
use crate::form::Form;
use crate::middleware::request_id::is_well_formed;
use crate::parameters::Parameters;

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("cookies", cookies),
    ("queries", queries),
    ("credentials", credentials),
    ("presented_secrets", presented_secrets),
    ("forms", forms),
    ("client_addresses", client_addresses),
];

struct Headers(HeaderMap);

impl Headers {
    fn of<'a>(lines: impl Iterator<Item = (&'static str, &'a [u8])>) -> Self {
        let values = lines.filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value).ok()?)));
        Self(values.map(|(name, value)| (HeaderName::from_static(name), value)).collect())
    }

    fn request(self, uri: Uri, peer: SocketAddr) -> Request {
        let mut parts = http::Request::new(()).into_parts().0;
        (parts.uri, parts.headers) = (uri, self.0);
        let addresses = (LocalAddr::default(), RemoteAddr(Addr::SocketAddr(peer)));
        let parts = RequestParts::from((parts, addresses.0, addresses.1, Scheme::HTTP));
        Request::from_parts(parts, Body::empty())
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n')
}

/// A browser has a secret if exactly one cookie of the name holds one, wherever in whatever number of headers; and it comes back
/// from the cookie that we set.
pub fn cookies(bytes: &[u8]) {
    for address in ["https://auth.example.com", "http://localhost:8000"] {
        let external = ExternalAddress::parse(address).unwrap();
        let request =
            Headers::of(lines(bytes).map(|line| ("cookie", line))).request(Uri::from_static("/"), loopback());
        let name =
            if external.origin().is_https() { "__Host-vestibule-sign-in" } else { "vestibule-sign-in" };
        // What stands between semicolons, as RFC 6265 section 4.2.1 has it.
        let texts = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
        let values: Vec<_> = pairs.filter(|(known, _)| known.trim() == name).collect();
        let Some(secret) = find_browser_secret(&request, &external) else { continue };
        assert_eq!(values.len(), 1);
        let value = secret.to_cookie();
        assert!(values.iter().all(|(_, text)| text.trim() == value));
        let set = set_browser_secret(&secret, &external);
        assert_eq!(Cookie::parse(set.as_str()).unwrap().name_value(), (name, value.as_str()));
        assert!(HeaderValue::from_str(&set).is_ok());
    }
}

/// Of a query that is not refused every reader finds the same value.
pub fn queries(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/auth/check?", bytes].concat()) else { return };
    let query = uri.query().unwrap_or_default().to_owned();
    let request = Headers(HeaderMap::new()).request(uri, loopback());
    let parameters = Parameters::parse(&request);
    if parameters.check().is_err() {
        return;
    }
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    for name in ["next", "service", "username", "state", "code", "iss", "error"] {
        let found = parameters.find(name);
        let all: Vec<_> = pairs.iter().filter(|(known, _)| known == name).collect();
        assert!(all.len() <= 1, "{name} has one value");
        assert_eq!(found, all.first().map(|(_, value)| value.as_ref()));
    }
    // The extractors of the document read it with a reader of their own.
    let theirs: Vec<(String, String)> = request.params().unwrap();
    assert_eq!(theirs.len(), pairs.len());
    assert!(theirs.iter().zip(&pairs).all(|(theirs, ours)| theirs.0 == ours.0 && theirs.1 == ours.1));
}

/// One token or none; if two different ones are there, none.
pub fn credentials(bytes: &[u8]) {
    let mut parts = lines(bytes);
    let query = parts.next().unwrap_or_default();
    let Ok(uri) = Uri::try_from([b"/auth/check?", query].concat()) else { return };
    let query = uri.query().unwrap_or_default().to_owned();
    let names = ["authorization", "auth-token"].into_iter().cycle();
    let given: Vec<&[u8]> = parts.collect();
    let request = Headers::of(names.zip(given.iter().copied())).request(uri, loopback());
    let credentials =
        PresentedCredentials::parse(&request, &Parameters::parse(&request), Accepts::Token, None);
    let form = given.last().and_then(|form| str::from_utf8(form).ok());
    let token = |form| credentials.single_of(form, false).map(|credentials| credentials.token);
    match (token(None), token(form)) {
        (Err(_), with_form) => assert!(with_form.is_err()),
        (Ok(Some(token)), with_form) => {
            assert!(!token.is_empty());
            let differs = form.is_some_and(|form| !form.is_empty() && form != token);
            assert_eq!(with_form.ok().flatten(), (!differs).then_some(token));
            let text = String::from_utf8_lossy(bytes).into_owned();
            let decoded =
                form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "jwt" && value == token);
            assert!(decoded || text.contains(token), "it is what somebody sent");
        }
        (Ok(None), with_form) => assert_eq!(with_form.unwrap(), form.filter(|form| !form.is_empty())),
    }
    for line in given.iter().filter_map(|line| str::from_utf8(line).ok()).filter(|id| is_well_formed(id)) {
        assert!(HeaderValue::from_str(line).is_ok() && !line.contains(['"', '\\', ' ']));
    }
}

/// The first line is the query, the others are headers `Authorization` and `Auth-Token`: a secret of ours counts as what stands in the
/// address as soon as one does, and a session handle only if it is a bearer and stands nowhere else that is seen.
pub fn presented_secrets(bytes: &[u8]) {
    let mut parts = lines(bytes);
    let Ok(uri) = Uri::try_from([b"/auth/session?", parts.next().unwrap_or_default()].concat()) else {
        return;
    };
    let query = uri.query().unwrap_or_default().to_owned();
    let names = ["authorization", "auth-token"].into_iter().cycle();
    let request = Headers::of(names.zip(parts)).request(uri, loopback());
    let parameters = Parameters::parse(&request);
    let is_ours = |text: &str| {
        let mut rest = text.bytes().skip(4);
        text.starts_with("vst") && text.len() > 4 && (rest.next() == Some(b'_') || text.starts_with("vsth."))
    };
    let in_query: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "jwt").collect();
    let values = |name: &str| -> Vec<String> {
        let all = request.headers().get_all(name).iter();
        all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    for accepts in [Accepts::Token, Accepts::TokenOrCookie, Accepts::TokenHandleOrCookie] {
        let presented = PresentedCredentials::parse(&request, &parameters, accepts, None);
        let Ok(credentials) = presented.single() else { continue };
        assert_eq!(credentials.is_exposed, in_query.iter().any(|(_, text)| is_ours(text)));
        if credentials.takes_handle {
            assert_eq!(accepts, Accepts::TokenHandleOrCookie);
            let token = credentials.token.unwrap_or_default();
            let bearer =
                |value: &String| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
            assert!(!token.is_empty());
            assert!(!token.starts_with("vsth.") || values("authorization").iter().any(bearer));
        }
    }
    let nobody = PresentedCredentials::parse(&request, &parameters, Accepts::CookieOfPage, None);
    assert!(nobody.single().is_ok_and(|credentials| credentials.token.is_none()));
}

/// A form has each field once, whatever it is written in. The first line is the type of its content.
pub fn forms(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (kind, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let length = body.len().to_string();
    let lines = [("content-type", kind), ("content-length", length.as_bytes())];
    let mut request = Headers::of(lines.into_iter()).request(Uri::from_static("/auth/update"), loopback());
    request.set_method(Method::POST);
    request.set_body(body.to_vec());
    let (request, mut sent) = request.split();
    let Ok(form) = runtime().block_on(Form::<()>::read(&request, &mut sent)) else { return };
    let is_plain = kind.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded");
    if is_plain && !body.is_empty() {
        let pairs: Vec<_> = form_urlencoded::parse(body).collect();
        for (name, value) in &pairs {
            assert_eq!(form.field(name), Some(value.as_ref()), "a name that comes twice is refused");
        }
    }
    for name in ["jwt", "username", "all"] {
        let field = form.field(name);
        assert_eq!(form.field_or(name, None).ok().flatten(), field);
        assert_eq!(form.field_or(name, field).ok().flatten(), field);
        let other = form.field_or(name, Some("\0other"));
        assert!(
            other.is_ok_and(|value| value == Some("\0other")) == field.is_none_or(|field| field == "\0other")
        );
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().enable_all().build().unwrap())
}

/// Whoever is no trusted proxy says nothing; and whoever is one says what it says from the right, as far as proxies reach. The first
/// line has the proxies, the second the peer, every other one is a header.
pub fn client_addresses(bytes: &[u8]) {
    let mut parts = lines(bytes);
    let mut text = || parts.next().and_then(|line| str::from_utf8(line).ok()).unwrap_or_default();
    let (Ok(proxies), peer) = (text().parse::<TrustedProxies>(), text()) else { return };
    let peer: IpAddr = peer.parse().unwrap_or(IpAddr::from([10, 0, 0, 1]));
    let headers = Headers::of(parts.map(|line| ("x-forwarded-for", line)));
    let request = headers.request(Uri::from_static("/"), SocketAddr::from((peer, 1)));
    let values = request.headers().get_all("x-forwarded-for").iter();
    // From the client to us, the peer the last.
    let hops = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(address_in);
    let route: Vec<Option<IpAddr>> = hops.chain([Some(peer.to_canonical())]).collect();
    let passed = route.iter().rev().take_while(|hop| hop.is_some_and(|hop| proxies.contain(hop))).count();
    let last = passed.checked_sub(1).and_then(|last| route.iter().rev().nth(last).copied().flatten());
    let behind = route.iter().rev().nth(passed).copied();
    match proxies.find_client(&request) {
        ClientAddress::Peer(address) => {
            assert_eq!(address, peer.to_canonical());
            assert!(passed == 0 || route.len() == 1, "a proxy that says nothing is the client");
        }
        ClientAddress::Forwarded(address) => assert_eq!(Some(address), behind.unwrap_or(last)),
        ClientAddress::Unnamed(proxy) => assert_eq!((Some(proxy), behind), (last, Some(None))),
        ClientAddress::Unaddressed => unreachable!("the peer has an address"),
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
