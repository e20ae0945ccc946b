//! How often one address may ask for what costs something, or for what could be guessed.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};
use poem::Request;
use vestibule_domain::{LogThrottle, Rate};
use vestibule_flows::RateLimiter;

use crate::client_address::{ClientAddress, TrustedProxies};
use crate::error::ApiError;

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
    unnamed: LogThrottle,
    unlisted: LogThrottle,
}

/// How long a hint about proxies is not given again.
const PAUSE_BETWEEN_HINTS: Duration = Duration::from_secs(10 * 60);

/// What the requests of an address are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RateClass {
    /// Beginnings and ends of sign-ins.
    SignIn,
    /// Attempts to choose a username.
    Update,
    /// Requests for permission tokens.
    Authorize,
    /// Questions who holds a username.
    Lookup,
}

/// Those who are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    /// The addresses of a network, which may be of one address alone.
    Network(IpNet),
    /// Everybody behind the near peers of a network, which are not listed as proxies.
    Near(IpNet),
    /// All whom this trusted proxy does not name.
    UnnamedBy(IpAddr),
    /// All who have no address.
    Unaddressed,
}

/// Of version 6, the prefixes that are given to one subscriber, and how many times as often as one subnet each may ask
/// (decision 19). The narrowest first.
const PREFIXES: [(u8, NonZeroU32); 3] = [(64, times(1)), (56, times(4)), (48, times(16))];

/// How many times as often as one address a near peer may ask that is most likely a proxy nobody has listed: with the stock limits,
/// for 160 sign-ins a second, about a tenth of what a core can do.
const NEAR: NonZeroU32 = times(64);

const fn times(factor: u32) -> NonZeroU32 {
    match NonZeroU32::new(factor) {
        Some(factor) => factor,
        None => NonZeroU32::MIN,
    }
}

impl AddressLimits {
    pub(crate) fn new(rates: AddressRates, proxies: TrustedProxies) -> Self {
        let hint = || LogThrottle::new(PAUSE_BETWEEN_HINTS);
        Self { rates, proxies, limiter: RateLimiter::new(), unnamed: hint(), unlisted: hint() }
    }

    /// Takes note of a request of a class, or refuses it. What has no class costs nothing.
    pub(crate) fn admit(&self, class: Option<RateClass>, request: &Request) -> Result<(), ApiError> {
        let Some(class) = class else { return Ok(()) };
        let Some(rate) = self.rate_of(class) else { return Ok(()) };
        let client = self.proxies.find_client(request);
        self.give_hint(client, request);
        let groups = groups_of(client).into_iter();
        let places: Vec<_> = groups.map(|(group, factor)| (rate.times(factor), (class, group))).collect();
        let outcome = self.limiter.admit_in_all(&places);
        outcome.map_err(|retry_after| ApiError::TooManyRequests { retry_after })
    }

    fn rate_of(&self, class: RateClass) -> Option<Rate> {
        match class {
            RateClass::SignIn => self.rates.sign_in,
            RateClass::Update => self.rates.update,
            RateClass::Authorize => self.rates.authorize,
            RateClass::Lookup => self.rates.lookup,
        }
    }

    /// Tells the operator of a proxy that should be set up otherwise: now and then, since anybody can cause it.
    fn give_hint(&self, client: ClientAddress, request: &Request) {
        match client {
            ClientAddress::Unnamed(proxy) => {
                if let Some(suppressed) = self.unnamed.admit() {
                    tracing::warn!(%proxy, suppressed, "a trusted proxy does not name its client; all such requests share one limit");
                }
            }
            ClientAddress::Peer(peer)
                if is_nearby(peer)
                    && !self.proxies.contain(peer)
                    && request.headers().contains_key("x-forwarded-for") =>
            {
                if let Some(suppressed) = self.unlisted.admit() {
                    tracing::warn!(%peer, suppressed, "requests come from a proxy that TRUSTED_PROXIES does not name; all behind it share one limit");
                }
            }
            _ => {}
        }
    }
}

/// Where a client is counted, and how many times the rate of one address holds there. Never nowhere.
///
/// A trusted proxy vouches for whatever address it names. A peer of this machine or of a private network that connects by itself is most
/// likely a proxy that nobody listed: as one client it would lock everybody out, without a limit it would be everybody's way around it.
fn groups_of(client: ClientAddress) -> Vec<(Group, NonZeroU32)> {
    let one = NonZeroU32::MIN;
    match client {
        ClientAddress::Peer(address) if is_nearby(address) => {
            vec![(Group::Near(network_of(address, PREFIXES[0].0)), NEAR)]
        }
        ClientAddress::Peer(address @ IpAddr::V6(_)) | ClientAddress::Forwarded(address @ IpAddr::V6(_)) => {
            let group = |length| Group::Network(network_of(address, length));
            PREFIXES.iter().map(|(length, factor)| (group(*length), *factor)).collect()
        }
        ClientAddress::Peer(address) | ClientAddress::Forwarded(address) => {
            vec![(Group::Network(address.into()), one)]
        }
        ClientAddress::Unnamed(proxy) => vec![(Group::UnnamedBy(proxy), one)],
        ClientAddress::Unaddressed => vec![(Group::Unaddressed, one)],
    }
}

/// The network of an address of version 6 with a prefix of this length; of version 4 the address alone.
fn network_of(address: IpAddr, length: u8) -> IpNet {
    match address {
        IpAddr::V4(_) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Net::new(address, length).unwrap_or_else(|_| address.into()).trunc().into()
        }
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

    /// Networks and factors.
    fn forwarded(address: &str) -> Vec<(String, u32)> {
        let groups = groups_of(ClientAddress::Forwarded(address.parse().unwrap())).into_iter();
        let shown = |group| match group {
            Group::Network(network) => network.to_string(),
            other => panic!("{other:?}"),
        };
        groups.map(|(group, factor)| (shown(group), factor.get())).collect()
    }

    #[test]
    fn k8_addresses_of_one_64_are_one_client_and_share_wider_limits_with_their_neighbours() {
        let wider = [("2001:db8:1::/56".to_owned(), 4), ("2001:db8:1::/48".to_owned(), 16)];
        let of = |subnet: &str| [&[(subnet.to_owned(), 1)][..], &wider].concat();
        assert_eq!(forwarded("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::/64"));
        assert_eq!(forwarded("2001:db8:1:2::"), of("2001:db8:1:2::/64"));
        assert_eq!(forwarded("2001:db8:1:3::1"), of("2001:db8:1:3::/64"));
        assert_eq!(forwarded("203.0.113.7"), [("203.0.113.7/32".to_owned(), 1)]);
        assert_eq!(forwarded("10.1.2.3"), [("10.1.2.3/32".to_owned(), 1)], "a proxy vouches for it");
    }

    #[test]
    fn k8_a_peer_that_may_be_an_unlisted_proxy_has_a_wider_limit() {
        let peer = |address: &str| groups_of(ClientAddress::Peer(address.parse().unwrap()));
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
            let groups = peer(address);
            assert!(matches!(groups[..], [(Group::Near(_), NEAR)]), "{address}: {groups:?}");
        }
        assert_eq!(peer("fd00::1"), peer("fd00::2:1"), "nor is a /64 of these more than one");
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
        assert_eq!(peer("203.0.113.7").len(), 1);
        assert_eq!(peer("2001:db8::1").len(), 3);
    }

    #[test]
    fn k8_whoever_has_no_address_has_a_limit() {
        let proxy = "10.0.0.1".parse().unwrap();
        for (client, group) in [
            (ClientAddress::Unnamed(proxy), Group::UnnamedBy(proxy)),
            (ClientAddress::Unaddressed, Group::Unaddressed),
        ] {
            assert_eq!(groups_of(client), [(group, NonZeroU32::MIN)]);
        }
    }

    /// More networks than are remembered: what is shared is in use and stays.
    #[test]
    fn k8_a_flood_from_every_subnet_of_a_48_gets_no_more_than_the_48_and_no_memory() {
        let rates = AddressRates {
            sign_in: Rate::new(5, Duration::from_secs(86_400)).ok(),
            ..AddressRates::default()
        };
        let limits = AddressLimits::new(rates, TrustedProxies::default());
        let rate = limits.rate_of(RateClass::SignIn).unwrap();
        let admitted = (0..=u16::MAX).filter(|subnet| {
            let address = std::net::Ipv6Addr::from([0x2001, 0xdb8, 1, *subnet, 0, 0, 0, 1]);
            let groups = groups_of(ClientAddress::Forwarded(address.into())).into_iter();
            let places: Vec<_> = groups.map(|(group, factor)| (rate.times(factor), group)).collect();
            limits.limiter.admit_in_all(&places).is_ok()
        });
        assert_eq!(admitted.count(), 5 * 16);
    }
}
