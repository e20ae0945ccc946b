//! Where a request comes from, when there are proxies in between.

mod hop;

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use poem::{Addr, Request};
use thiserror::Error;
use vestibule_domain::ClientInfo;

use crate::request_context::RequestId;

pub(crate) use hop::address_in;

/// The networks whose `X-Forwarded-For` is believed. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text that is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is neither a network such as 10.0.0.0/8 nor an address")]
pub struct TrustedProxiesError(String);

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Reads networks and addresses that are separated by commas, semicolons or white space.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let items = text.split([',', ';', ' ', '\n']).map(str::trim).filter(|item| !item.is_empty());
        let network = |item: &str| {
            let address = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>().or_else(|_| address()).map_err(|_| TrustedProxiesError(item.to_owned()))
        };
        items.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// Where a request comes from, and on whose word. Always something: what is not known is not nothing, and has its limit too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAddress {
    /// The other end of the connection.
    Peer(IpAddr),
    /// What a trusted proxy says.
    Forwarded(IpAddr),
    /// Whomever the trusted proxy at this address does not name, or not in a form that can be read.
    Unnamed(IpAddr),
    /// The other end of a connection that has no addresses.
    Unaddressed,
}

impl ClientAddress {
    /// The address that is kept of a client: its own, or that of the last proxy which is known.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Peer(address) | Self::Forwarded(address) | Self::Unnamed(address) => Some(address),
            Self::Unaddressed => None,
        }
    }
}

impl TrustedProxies {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is that of a trusted proxy.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether the request was handed on by one of them.
    pub(crate) fn handed_on(&self, request: &Request) -> bool {
        let Addr::SocketAddr(peer) = &request.remote_addr().0 else { return false };
        self.contain(peer.ip())
    }

    /// The client: the peer itself, or, when the peer is a trusted proxy, the rightmost hop of `X-Forwarded-For` that is not
    /// one.
    ///
    /// INVARIANT: a hop is read by itself, as bytes, and nothing to the left of one that is no trusted proxy's is looked at: whatever
    /// a client has sent stands there.
    pub(crate) fn find_client(&self, request: &Request) -> ClientAddress {
        let Addr::SocketAddr(peer) = &request.remote_addr().0 else { return ClientAddress::Unaddressed };
        let mut known = peer.ip().to_canonical();
        let mut client =
            if self.contain(known) { ClientAddress::Unnamed(known) } else { ClientAddress::Peer(known) };
        let lines = request.headers().get_all("x-forwarded-for").iter().rev();
        for hop in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            if !self.contain(known) {
                break;
            }
            let Some(address) = address_in(hop) else { return ClientAddress::Unnamed(known) };
            (known, client) = (address, ClientAddress::Forwarded(address));
        }
        client
    }

    /// What a session keeps of its client.
    pub(crate) fn client_info(&self, request: &Request) -> ClientInfo {
        let ip = self.find_client(request).address().map(|address| address.to_string());
        let id = request.data::<RequestId>().map(|id| id.0.as_str());
        ClientInfo::new(request.header("user-agent"), ip).by_request(id)
    }
}

#[cfg(test)]
mod tests;
