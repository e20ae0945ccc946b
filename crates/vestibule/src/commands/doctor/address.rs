//! The external address: whether it leads to this service, and what the proxies on the way do.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::header::{LOCATION, STRICT_TRANSPORT_SECURITY};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;
use vestibule_domain::{Clock, ExternalAddress};
use vestibule_http::ARRIVAL_HEADER;

use super::findings::{Check, Findings};
use crate::commands::healthcheck::reachable;
use crate::serve::load_keys;
use crate::settings::Understood;
use crate::settings::table::{ADMIN_LISTEN, EXTERNAL_ADDRESS, TRUSTED_PROXIES};

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn look(settings: &Understood, clock: &dyn Clock) -> Findings {
    let mut findings = Findings::default();
    let Some(address) = &settings.external_address else { return findings };
    let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).no_proxy().build();
    if let Ok(client) = client {
        let mut about = About { address, settings, client, findings: &mut findings };
        about.look(clock).await;
    } else {
        let mending = "see that the machine has certificate authorities";
        findings.failure(Check::Address, address.issuer(), "no request can be made", mending);
    }
    findings
}

/// The lines about the external address.
struct About<'a> {
    address: &'a ExternalAddress,
    settings: &'a Understood,
    client: Client,
    findings: &'a mut Findings,
}

/// How the service says that a request came to it.
struct Arrival {
    peer: IpAddr,
    trusted: bool,
    client: Option<IpAddr>,
    headers: Vec<String>,
}

impl About<'_> {
    async fn look(&mut self, clock: &dyn Clock) {
        let announced = self.announce().await;
        let mut request = self.client.get(self.address.join("/healthz"));
        if let Some(id) = &announced {
            request = request.header(ARRIVAL_HEADER, id);
        }
        match request.send().await {
            Ok(response) if self.is_healthy(&response) => {
                if self.is_ours(clock).await {
                    self.findings.ok(Check::Address, self.address.issuer(), "it leads to this service");
                    self.look_at_arrival(announced.as_deref()).await;
                }
            }
            Ok(_) => {}
            Err(error) => self.report_silence(&error).await,
        }
    }

    fn fail(&mut self, message: impl std::fmt::Display, mending: impl std::fmt::Display) {
        self.findings.failure(Check::Address, self.address.issuer(), message, mending);
    }

    /// Whether the answer to `/healthz` is that of a service of ours; what is odd about it is said.
    fn is_healthy(&mut self, response: &Response) -> bool {
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let target = target.and_then(|target| Url::parse(target).ok());
            let target = target.map_or_else(
                || "elsewhere".to_owned(),
                |url| format!("to {}", url.origin().ascii_serialization()),
            );
            let setting = EXTERNAL_ADDRESS.name();
            self.fail(
                format_args!("it redirects {target}"),
                format_args!("{setting} must be the address where people end"),
            );
        } else if !status.is_success() {
            let message = format_args!("/healthz is answered with the status {}", status.as_u16());
            self.fail(message, "let the proxy lead every path to the service");
        }
        let doubled = response.headers().get_all(STRICT_TRANSPORT_SECURITY).iter().count();
        if doubled > 1 {
            let message = format_args!(
                "the header Strict-Transport-Security comes {doubled} times, and browsers take the first"
            );
            let mending = "let the proxy leave it to the service";
            self.findings.warning(Check::Address, self.address.issuer(), message, mending);
        }
        status.is_success()
    }

    /// Whether the keys that are published there are ours.
    async fn is_ours(&mut self, clock: &dyn Clock) -> bool {
        let Some(source) = &self.settings.keys else { return true };
        let Ok(loaded) = load_keys(source, clock.now(), false) else { return true };
        let ours = loaded.ring.key_ids();
        let published = self.get(&self.address.join("/.well-known/jwks.json")).await;
        let published = published.as_ref().and_then(|set| set.get("keys")?.as_array()).into_iter().flatten();
        let is_ours = published.filter_map(|key| key.get("kid")?.as_str()).any(|kid| ours.contains(&kid));
        if !is_ours {
            self.fail(
                "another server answers: it publishes none of our signing keys",
                "lead the address to this service; all its replicas must have the same keys",
            );
        }
        is_ours
    }

    async fn get(&self, url: &str) -> Option<Value> {
        let response = self.client.get(url).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }

    /// A service that does not run is not expected to answer.
    async fn report_silence(&mut self, error: &reqwest::Error) {
        if let Some(fault) = tls_fault(error) {
            let mending = "give the proxy a certificate for this name, of an authority that browsers trust, with its chain";
            return self.fail(format_args!("TLS fails: {fault}"), mending);
        }
        let (message, mending) = match self.settings.listen {
            Some(listen) if self.runs_at(listen).await => (
                format!("it is not reached from this machine, although the service runs at {listen}"),
                "look from outside; see the name, the network and the proxy",
            ),
            _ => (
                "nothing answers, and no service runs here, so that nothing is known of the proxies"
                    .to_owned(),
                "look again when it runs",
            ),
        };
        self.findings.warning(Check::Address, self.address.issuer(), message, mending);
    }

    async fn runs_at(&self, listen: SocketAddr) -> bool {
        self.get(&format!("http://{}/healthz", reachable(listen))).await.is_some()
    }

    /// Asks the service for an id, under which it notes how the next request comes.
    async fn announce(&self) -> Option<String> {
        let admin = reachable(self.settings.admin_listen?);
        let response = self
            .client
            .post(format!("http://{admin}/arrivals"))
            .send()
            .await
            .ok()?
            .error_for_status()
            .ok()?;
        let answer: Value = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
        answer.get("id")?.as_str().map(str::to_owned)
    }

    async fn find_arrival(&self, id: &str) -> Option<Arrival> {
        let admin = reachable(self.settings.admin_listen?);
        let answer = self.get(&format!("http://{admin}/arrivals/{id}")).await?;
        let address = |member: &str| answer.get(member)?.as_str()?.parse().ok();
        let headers =
            answer.get("headers")?.as_array()?.iter().filter_map(|name| name.as_str().map(str::to_owned));
        Some(Arrival {
            peer: address("peer")?,
            trusted: answer.get("trusted")?.as_bool()?,
            client: address("client"),
            headers: headers.collect(),
        })
    }

    async fn look_at_arrival(&mut self, announced: Option<&str>) {
        let arrival = match announced {
            Some(id) => self.find_arrival(id).await,
            None => None,
        };
        let (setting, admin) = (TRUSTED_PROXIES.name(), ADMIN_LISTEN.name());
        let Some(arrival) = arrival else {
            let message =
                "not known: a service tells what the proxies added to a request at ADMIN_LISTEN alone";
            let mending = format_args!(
                "set {admin}, and look on the machine of the service; with several replicas, while one runs"
            );
            return self.findings.warning(Check::Proxies, self.address.issuer(), message, mending);
        };
        let Arrival { peer, trusted, client, headers } = arrival;
        let names = if headers.is_empty() { "no forwarding header".to_owned() } else { headers.join(", ") };
        let has_client = headers.iter().any(|name| name == "x-forwarded-for");
        let is_behind = has_client || self.address.origin().is_https();
        match (trusted, has_client) {
            (true, true) => {
                let client = client.map_or_else(|| "nobody".to_owned(), |client| client.to_string());
                let message =
                    format_args!("{peer} is trusted and names the client, {client}; it adds {names}");
                self.findings.ok(Check::Proxies, self.address.issuer(), message);
            }
            (true, false) => {
                let message =
                    format_args!("{peer} is trusted, and does not name the client; it adds {names}");
                self.warn(message, "let it set X-Forwarded-For: all its clients count as one until then");
            }
            (false, _) if is_behind => {
                let message = format_args!("{setting} does not name {peer}, which adds {names}");
                self.warn(message, format_args!("{setting}={peer}: all its clients count as one until then"));
            }
            (false, _) => {
                let message = format_args!("none is in front: the request came from {peer}");
                self.findings.ok(Check::Proxies, self.address.issuer(), message);
            }
        }
    }

    fn warn(&mut self, message: impl std::fmt::Display, mending: impl std::fmt::Display) {
        self.findings.warning(Check::Proxies, self.address.issuer(), message, mending);
    }
}

/// What was wrong with the certificate or the protocol, if that is why there was no connection. An error of the system has another in
/// it that is not its source.
fn tls_fault(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(fault.to_string());
    }
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source()).and_then(tls_fault)
}
