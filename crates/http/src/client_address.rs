//! Where a request comes from, when there are proxies in between.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use poem::{Addr, Request};
use thiserror::Error;
use vestibule_domain::ClientInfo;

use crate::edge::RequestId;

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

/// Where a request comes from, and on whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAddress {
    /// The other end of the connection.
    Peer(IpAddr),
    /// What a trusted proxy says.
    Forwarded(IpAddr),
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

    /// The address of the client: the peer itself, or, when the peer is a trusted proxy, the rightmost hop of
    /// `X-Forwarded-For` that is not one. A hop that is not an address ends the search at what was known before it.
    pub(crate) fn client_address(&self, request: &Request) -> Option<IpAddr> {
        self.find_client(request).map(|client| match client {
            ClientAddress::Peer(address) | ClientAddress::Forwarded(address) => address,
        })
    }

    /// The same, with whose word it is.
    pub(crate) fn find_client(&self, request: &Request) -> Option<ClientAddress> {
        let Addr::SocketAddr(peer) = &request.remote_addr().0 else { return None };
        let peer = peer.ip().to_canonical();
        let headers: Vec<&str> = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let hops = headers.iter().rev().flat_map(|value| value.rsplit(','));
        let (mut address, mut client) = (peer, ClientAddress::Peer(peer));
        for hop in hops {
            if !self.contain(address) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(hop) => address = hop.to_canonical(),
                Err(_) => break,
            }
            client = ClientAddress::Forwarded(address);
        }
        Some(client)
    }

    /// What a session keeps of its client.
    pub(crate) fn client_info(&self, request: &Request) -> ClientInfo {
        let ip = self.client_address(request).map(|address| address.to_string());
        let id = request.data::<RequestId>().map(|id| id.0.as_str());
        ClientInfo::new(request.header("user-agent"), ip).by_request(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::web::RemoteAddr;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut builder = Request::builder();
        for value in forwarded {
            builder = builder.header("X-Forwarded-For", *value);
        }
        let (mut parts, body) = builder.finish().into_parts();
        parts.headers.insert("x-real-ip", "6.6.6.6".parse().unwrap());
        let mut request = Request::from_parts(parts, body);
        request.set_data(());
        let address = format!("{peer}:1").parse::<std::net::SocketAddr>().unwrap();
        let request = with_peer(&request, address);
        trusted.parse::<TrustedProxies>().unwrap().client_address(&request).unwrap().to_string()
    }

    fn with_peer(request: &Request, address: std::net::SocketAddr) -> Request {
        let method = request.method().clone();
        let headers = request.headers().clone();
        let parts = http::Request::builder().method(method).uri("/").body(()).unwrap().into_parts().0;
        let local = poem::web::LocalAddr(Addr::SocketAddr(address));
        let mut parts = poem::RequestParts::from((
            parts,
            local,
            RemoteAddr(Addr::SocketAddr(address)),
            http::uri::Scheme::HTTP,
        ));
        parts.headers = headers;
        Request::from_parts(parts, poem::Body::empty())
    }

    #[test]
    fn g8_only_trusted_proxies_are_believed_and_only_as_far_as_they_reach() {
        assert_eq!(client("", "9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["6.6.6.6, 1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["1.1.1.1, rubbish"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "[::ffff:10.0.0.1]", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &[]), "10.0.0.1");
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
    }
}
