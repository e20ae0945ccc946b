//! How often one address may ask for what costs something, or for what could be guessed.

use std::net::IpAddr;

use poem::Request;
use vestibule_domain::Rate;
use vestibule_flows::RateLimiter;

use crate::client_address::{ClientAddress, TrustedProxies};
use crate::problem::Problem;

/// How often one address may ask; `None`: as often as it likes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddressRates {
    /// Beginnings and ends of sign-ins, together.
    pub sign_in: Option<Rate>,
    /// Attempts to choose a username.
    pub update: Option<Rate>,
    /// Requests for permission tokens.
    pub authorize: Option<Rate>,
    /// Questions who holds a username.
    pub lookup: Option<Rate>,
}

/// The limits of addresses, and whose word counts about them.
pub(crate) struct AddressLimits {
    rates: AddressRates,
    proxies: TrustedProxies,
    limiter: RateLimiter,
}

/// What an address's requests are counted for.
#[derive(Debug, Clone, Copy, Hash)]
enum Purpose {
    SignIn,
    Update,
    Authorize,
    Lookup,
}

impl AddressLimits {
    pub(crate) fn new(rates: AddressRates, proxies: TrustedProxies) -> Self {
        Self { rates, proxies, limiter: RateLimiter::new() }
    }

    /// Takes note of a request for an operation, or refuses it.
    pub(crate) fn admit(&self, operation: &str, request: &Request) -> Result<(), Problem> {
        let Some((purpose, rate)) = self.rate_of(operation) else { return Ok(()) };
        let Some(network) = self.proxies.find_client(request).and_then(countable) else { return Ok(()) };
        let outcome = self.limiter.admit(&rate, (purpose, network));
        outcome.map_err(|retry_after| Problem::TooManyRequests { retry_after })
    }

    fn rate_of(&self, operation: &str) -> Option<(Purpose, Rate)> {
        let (purpose, rate) = match operation {
            "start_sign_in" | "finish_sign_in" | "finish_provider_sign_in" => {
                (Purpose::SignIn, self.rates.sign_in)
            }
            "update_user" => (Purpose::Update, self.rates.update),
            "authorize_service" => (Purpose::Authorize, self.rates.authorize),
            "resolve_username" | "find_profile" => (Purpose::Lookup, self.rates.lookup),
            _ => return None,
        };
        rate.map(|rate| (purpose, rate))
    }
}

/// What stands for a client in the count. A trusted proxy vouches for whatever address it names. A peer of this machine or of a private
/// network that connects by itself is most likely a proxy that nobody listed: counting it would lock everybody out.
fn countable(client: ClientAddress) -> Option<IpAddr> {
    match client {
        ClientAddress::Peer(address) if is_nearby(address) => None,
        ClientAddress::Peer(address) | ClientAddress::Forwarded(address) => Some(network_of(address)),
    }
}

/// Whoever has one address of version 6 has its whole /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::from((u128::from(address) & !u128::from(u64::MAX)).to_be_bytes()),
    }
}

/// Whether an address is of this machine or of a private network, where a proxy is more likely than a client.
pub fn is_nearby(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(address: &str) -> Option<String> {
        countable(ClientAddress::Forwarded(address.parse().unwrap())).map(|network| network.to_string())
    }

    #[test]
    fn k8_addresses_of_one_64_are_one_client() {
        assert_eq!(forwarded("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(forwarded("2001:db8:1:2::").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(forwarded("2001:db8:1:3::1").as_deref(), Some("2001:db8:1:3::"));
        assert_eq!(forwarded("203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(forwarded("10.1.2.3").as_deref(), Some("10.1.2.3"), "a proxy vouches for it");
    }

    #[test]
    fn a_peer_that_may_be_an_unlisted_proxy_is_not_counted() {
        let peer = |address: &str| countable(ClientAddress::Peer(address.parse().unwrap()));
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "fe80::1",
        ] {
            assert_eq!(peer(address), None, "{address}");
        }
        assert!(peer("203.0.113.7").is_some());
        assert!(peer("2001:db8::1").is_some());
    }
}
