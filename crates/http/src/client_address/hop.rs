//! One hop of `X-Forwarded-For`, in every form in which proxies write it.
//!
//! The header has no standard. What stands in it is an address, or a node of the header that has one (RFC 7239 section 6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A port is of five digits, or of a name that hides it.
const LONGEST_PORT: usize = 64;
/// No interface has a longer name.
const LONGEST_ZONE: usize = 32;

/// The address that a hop states, in its canonical form. Nothing where there is none: an empty element, `unknown`, a name that
/// hides one (`_x`), `unix:`, bytes that are no text.
pub(crate) fn address_in(hop: &[u8]) -> Option<IpAddr> {
    let node = unquoted(str::from_utf8(hop).ok()?.trim_matches([' ', '\t']))?;
    let address = match node.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
                .then(|| in_version_6(address))
                .flatten()
        }
        None => bare(node).or_else(|| before_port(node)),
    };
    address.map(|address| address.to_canonical())
}

/// The text between two quotes, or the whole of a text without any.
fn unquoted(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(text),
    }
}

fn bare(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv4Addr>().ok().map(IpAddr::from).or_else(|| in_version_6(text))
}

/// With or without the zone that an address has on the machine which wrote it, where alone it means something (RFC 4007
/// section 11).
fn in_version_6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

/// Only an address of version 4 can have a port without brackets.
fn before_port(text: &str) -> Option<IpAddr> {
    let (address, port) = text.split_once(':')?;
    is_port(port).then(|| address.parse::<Ipv4Addr>().ok().map(IpAddr::from)).flatten()
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => (1..LONGEST_PORT).contains(&name.len()) && name.bytes().all(is_of_a_name),
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

fn is_zone(text: &str) -> bool {
    (1..=LONGEST_ZONE).contains(&text.len()) && text.bytes().all(|byte| byte == b'~' || is_of_a_name(byte))
}

/// RFC 7239 section 6: what a name that hides something is made of.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(hop: &str) -> Option<String> {
        address_in(hop.as_bytes()).map(|address| address.to_string())
    }

    #[test]
    fn g8_every_form_that_proxies_write_is_read() {
        for (hop, address) in [
            ("203.0.113.7", "203.0.113.7"),
            (" \t203.0.113.7 ", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("203.0.113.7:_port", "203.0.113.7"),
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("\"203.0.113.7:80\"", "203.0.113.7"),
            ("2001:DB8:0:0::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("\"[2001:db8::7]:443\"", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0.4]:443", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:cb00:7107]:1", "203.0.113.7"),
        ] {
            assert_eq!(read(hop).as_deref(), Some(address), "{hop}");
        }
    }

    #[test]
    fn g8_what_states_no_address_is_none() {
        for hop in [
            "",
            " ",
            "unknown",
            "_hidden",
            "unix:",
            "localhost",
            "\"",
            "\"\"",
            "\"203.0.113.7",
            "203.0.113.7\"",
            "\"\"203.0.113.7\"\"",
            "203.0.113.7:",
            "203.0.113.7:+80",
            "203.0.113.7:99999",
            "203.0.113.7:_",
            "203.0.113.7:80:80",
            "203.0.113.07",
            "203.0.113",
            "203.0.113.7 x",
            "[203.0.113.7]",
            "[2001:db8::7",
            "2001:db8::7]",
            "[2001:db8::7]443",
            "[2001:db8::7]:",
            "fe80::1%",
            "fe80::1%a b",
            "for=203.0.113.7",
        ] {
            assert_eq!(read(hop), None, "{hop:?}");
        }
        assert_eq!(address_in("é".as_bytes()), None);
        assert_eq!(address_in(b"203.0.113.7\xff"), None);
    }

    fn addresses() -> impl Strategy<Value = IpAddr> {
        prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::from), any::<Ipv6Addr>().prop_map(IpAddr::from)]
    }

    proptest! {
        #[test]
        fn g8_an_address_is_found_in_whatever_form(
            address in addresses(),
            port in proptest::option::of(any::<u16>()),
            quoted: bool,
            spaces in "[ \t]{0,3}",
        ) {
            let node = match (address, port) {
                (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
                (address, Some(port)) => format!("{address}:{port}"),
                (address, None) => address.to_string(),
            };
            let node = if quoted { format!("\"{node}\"") } else { node };
            let hop = format!("{spaces}{node}{spaces}");
            prop_assert_eq!(address_in(hop.as_bytes()), Some(address.to_canonical()));
        }

        #[test]
        fn g8_whatever_is_read_out_of_bytes_stands_there(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            if let Some(address) = address_in(&bytes) {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(read(&address.to_string()), Some(address.to_string()), "{}", text);
            }
        }
    }
}
