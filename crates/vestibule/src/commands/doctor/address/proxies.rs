//! What the proxies on the way do to a request: the service tells it at `ADMIN_LISTEN`.

use std::net::{IpAddr, SocketAddr};

use reqwest::Client;
use serde_json::Value;

use super::About;
use super::asking::read_json;
use crate::commands::doctor::findings::Check;
use crate::commands::healthcheck::reachable;
use crate::settings::table::{ADMIN_LISTEN, TRUSTED_PROXIES};

/// What was told of a request.
pub(super) enum Announced {
    /// There is no listener that tells.
    Nowhere,
    /// The listener did not answer.
    Unanswered(SocketAddr),
    /// The request with this id is noted.
    As(Announcement),
}

/// A request that the service expects.
pub(super) struct Announcement {
    admin: SocketAddr,
    pub(super) id: String,
}

/// How the service says that a request came to it.
struct Arrival {
    peer: IpAddr,
    trusted: bool,
    client: Option<IpAddr>,
    named: bool,
    headers: Vec<String>,
}

impl Announced {
    /// Asks the service for an id, under which it notes how the next request comes.
    pub(super) async fn make(client: &Client, admin: Option<SocketAddr>) -> Self {
        let Some(admin) = admin.map(reachable) else { return Self::Nowhere };
        let answer = client.post(format!("http://{admin}/arrivals")).send().await;
        let answer = match answer {
            Ok(answer) => read_json(answer).await,
            Err(_) => None,
        };
        let id = answer.as_ref().and_then(|answer| answer.get("id")?.as_str());
        id.map_or(Self::Unanswered(admin), |id| Self::As(Announcement { admin, id: id.to_owned() }))
    }
}

impl Announcement {
    async fn find_arrival(&self, client: &Client) -> Option<Arrival> {
        let Self { admin, id } = self;
        let answer = client.get(format!("http://{admin}/arrivals/{id}")).send().await.ok()?;
        Arrival::read(&read_json(answer).await?)
    }
}

impl Arrival {
    fn read(answer: &Value) -> Option<Self> {
        let address = |member: &str| answer.get(member)?.as_str()?.parse().ok();
        let flag = |member: &str| answer.get(member)?.as_bool();
        let headers = answer.get("headers")?.as_array()?.iter();
        Some(Self {
            peer: address("peer")?,
            trusted: flag("trusted")?,
            client: address("client"),
            named: flag("named")?,
            headers: headers.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        })
    }
}

impl About<'_> {
    pub(super) async fn look_at_arrival(&mut self, announced: Announced) {
        let name = ADMIN_LISTEN.name();
        match announced {
            Announced::Nowhere => self.warn(
                "not known: a service tells what the proxies added to a request at ADMIN_LISTEN alone",
                format_args!(
                    "set {name}, and look on the machine of the service; with several replicas, while one runs"
                ),
            ),
            Announced::Unanswered(admin) => self.warn(
                format_args!("not known: the service does not tell it at {name}, {admin}"),
                "look on the machine of the service, while it runs with these settings",
            ),
            Announced::As(announcement) => match announcement.find_arrival(&self.client).await {
                Some(arrival) => self.report_arrival(&arrival),
                None => self.warn(
                    format_args!("not known: the request did not come to the service that tells at {name}"),
                    "look again while one replica alone runs, and let no cache answer for it",
                ),
            },
        }
    }

    fn report_arrival(&mut self, arrival: &Arrival) {
        let Arrival { peer, trusted, client, named, headers } = arrival;
        let setting = TRUSTED_PROXIES.name();
        let names = if headers.is_empty() { "no forwarding header".to_owned() } else { headers.join(", ") };
        let has_client = headers.iter().any(|name| name == "x-forwarded-for");
        let is_behind = has_client || self.address.origin().is_https();
        match (client.filter(|_| *named), trusted) {
            (Some(client), true) => {
                let message =
                    format_args!("{peer} is trusted and names the client, {client}; it adds {names}");
                self.findings.ok(Check::Proxies, self.address.issuer(), message);
            }
            (None, true) => {
                let form = if has_client { " in a readable form" } else { "" };
                let message =
                    format_args!("{peer} is trusted, and does not name the client{form}; it adds {names}");
                let value = if has_client { " to the client's address" } else { "" };
                let mending = format_args!(
                    "let it set X-Forwarded-For{value}: all its clients count as one until then"
                );
                self.warn(message, mending);
            }
            (_, false) if is_behind => {
                let message = format_args!("{setting} does not name {peer}, which adds {names}");
                self.warn(message, format_args!("{setting}={peer}: all its clients count as one until then"));
            }
            (_, false) => {
                let message = format_args!("none is in front: the request came from {peer}");
                self.findings.ok(Check::Proxies, self.address.issuer(), message);
            }
        }
    }

    fn warn(&mut self, message: impl std::fmt::Display, mending: impl std::fmt::Display) {
        self.findings.warning(Check::Proxies, self.address.issuer(), message, mending);
    }
}
