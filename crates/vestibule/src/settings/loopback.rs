//! Addresses of this machine alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

/// Whether an address leads to this machine alone.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Where the emulator of a service listens: on the port after the service's own, so that its issuer, and with it every
/// identity, is the same at the next start; on any free port when there is none.
pub(crate) fn emulator_address(listen: SocketAddr) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, listen.port().checked_add(1).unwrap_or(0)).into()
}
