//! Chains of proxies, and what a client may put in front of them.

use poem::RequestParts;
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, Request as HttpRequest};
use poem::web::{LocalAddr, RemoteAddr};
use proptest::prelude::*;

use super::*;

fn find(trusted: &str, peer: &str, lines: &[&[u8]]) -> ClientAddress {
    let mut parts = HttpRequest::new(()).into_parts().0;
    parts.headers.insert("x-real-ip", HeaderValue::from_static("6.6.6.6"));
    parts.headers.insert("forwarded", HeaderValue::from_static("for=6.6.6.6"));
    for line in lines {
        parts.headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
    }
    let peer = Addr::SocketAddr(format!("{peer}:1").parse().unwrap());
    let parts = RequestParts::from((parts, LocalAddr(peer.clone()), RemoteAddr(peer), Scheme::HTTP));
    let request = Request::from_parts(parts, poem::Body::empty());
    trusted.parse::<TrustedProxies>().unwrap().find_client(&request)
}

fn peer(address: &str) -> ClientAddress {
    ClientAddress::Peer(address.parse().unwrap())
}

fn forwarded(address: &str) -> ClientAddress {
    ClientAddress::Forwarded(address.parse().unwrap())
}

fn unnamed(proxy: &str) -> ClientAddress {
    ClientAddress::Unnamed(proxy.parse().unwrap())
}

const NETWORK: &str = "10.0.0.0/8";

#[test]
fn g8_only_trusted_proxies_are_believed_and_only_as_far_as_they_reach() {
    assert_eq!(find("", "9.9.9.9", &[b"1.1.1.1"]), peer("9.9.9.9"));
    assert_eq!(find(NETWORK, "9.9.9.9", &[b"\xc3\xa9"]), peer("9.9.9.9"));
    assert_eq!(find(NETWORK, "10.0.0.1", &[b"6.6.6.6, 1.1.1.1"]), forwarded("1.1.1.1"));
    assert_eq!(find(NETWORK, "10.0.0.1", &[b"6.6.6.6", b"1.1.1.1, 10.0.0.2"]), forwarded("1.1.1.1"));
    assert_eq!(find(NETWORK, "10.0.0.1", &[b"10.0.0.3, 10.0.0.2"]), forwarded("10.0.0.3"));
    assert_eq!(find(NETWORK, "[::ffff:10.0.0.1]", &[b"1.1.1.1"]), forwarded("1.1.1.1"));
    assert_eq!(find(NETWORK, "10.0.0.1", &[b"6.6.6.6, 1.1.1.1, [::ffff:10.0.0.2]:80"]), forwarded("1.1.1.1"));
    assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
}

#[test]
fn g8_whom_a_proxy_does_not_name_is_nobody_in_particular_and_not_whom_a_client_names() {
    for line in ["", "unknown", "\u{e9}", "1.1.1.1,", "1.1.1.1, unknown", "1.1.1.1, _x", "1.1.1.1, \u{e9}"] {
        assert_eq!(find(NETWORK, "10.0.0.1", &[line.as_bytes()]), unnamed("10.0.0.1"), "{line:?}");
        let longer = format!("{line}, 10.0.0.2");
        assert_eq!(find(NETWORK, "10.0.0.1", &[longer.as_bytes()]), unnamed("10.0.0.2"), "{longer:?}");
    }
    assert_eq!(find(NETWORK, "10.0.0.1", &[b"1.1.1.1", b""]), unnamed("10.0.0.1"));
    assert_eq!(
        find(NETWORK, "10.0.0.1", &[]),
        unnamed("10.0.0.1"),
        "without the header, which a client can have taken away"
    );
}

proptest! {
    /// A proxy that appends is believed whatever stands in front, on its own line or on the same.
    #[test]
    fn g8_what_a_client_sends_is_never_looked_at(
        sent in proptest::collection::vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..64),
        address: std::net::Ipv6Addr,
        port: u16,
        proxies in 0..4_usize,
    ) {
        let address = IpAddr::from(address).to_canonical();
        prop_assume!(!NETWORK.parse::<TrustedProxies>().unwrap().contain(address));
        let node = match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        };
        let appended = format!("{node}{}", ", 10.0.0.9".repeat(proxies)).into_bytes();
        let on_one_line = [&sent[..], b",", &appended].concat();
        prop_assert_eq!(find(NETWORK, "10.0.0.1", &[&on_one_line]), ClientAddress::Forwarded(address));
        prop_assert_eq!(find(NETWORK, "10.0.0.1", &[&sent, &appended]), ClientAddress::Forwarded(address));
    }
}
