//! The external address: whether it leads to this service, and what the proxies on the way do.

mod asking;
mod proxies;

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use reqwest::header::{CACHE_CONTROL, LOCATION, STRICT_TRANSPORT_SECURITY};
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;
use vestibule_domain::{Clock, ExternalAddress};
use vestibule_http::ARRIVAL_HEADER;

use self::asking::{MOST_BYTES, make_client, read, read_json};
use self::proxies::Announced;
use super::findings::{Check, Findings};
use crate::commands::healthcheck::reachable;
use crate::serve::load_keys;
use crate::settings::Understood;
use crate::settings::table::EXTERNAL_ADDRESS;

/// What is asked: it leads to the service also where an app has the rest of the host.
const PATH: &str = "/.well-known/jwks.json";
const LEAD_HERE: &str = "let the proxy lead /auth/ and /.well-known/jwks.json to this service";

pub(super) async fn look(settings: &Understood, clock: &dyn Clock) -> Findings {
    let mut findings = Findings::default();
    let Some(address) = &settings.external_address else { return findings };
    if let Ok(client) = make_client() {
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

impl About<'_> {
    async fn look(&mut self, clock: &dyn Clock) {
        let announced = Announced::make(&self.client, self.settings.admin_listen).await;
        let mut request = self.client.get(self.address.join(PATH)).header(CACHE_CONTROL, "no-cache");
        if let Announced::As(announcement) = &announced {
            request = request.header(ARRIVAL_HEADER, &announcement.id);
        }
        match request.send().await {
            Ok(response) if self.is_yes(&response) => {
                if self.is_ours(response, clock).await {
                    self.look_at_arrival(announced).await;
                }
            }
            Ok(_) => {}
            Err(error) => self.report_silence(&error).await,
        }
    }

    fn fail(&mut self, message: impl std::fmt::Display, mending: impl std::fmt::Display) {
        self.findings.failure(Check::Address, self.address.issuer(), message, mending);
    }

    /// Whether the answer may be that of a service of ours; what is odd about it is said.
    fn is_yes(&mut self, response: &Response) -> bool {
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
            let message = format_args!("{PATH} is answered with the status {}", status.as_u16());
            let mending = match status.as_u16() {
                502..=504 => "see that the service runs, and that the proxy reaches it",
                _ => LEAD_HERE,
            };
            self.fail(message, mending);
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

    /// Whether the keys that are published there are ours. If it cannot be known, the request may have come here all the same.
    async fn is_ours(&mut self, response: Response, clock: &dyn Clock) -> bool {
        let Some(body) = read(response).await else {
            let most = MOST_BYTES / 1024;
            let message = format_args!(
                "another server answers, or it cannot be read: {PATH} breaks off, or has more than {most} KiB"
            );
            self.fail(message, LEAD_HERE);
            return false;
        };
        let Some(published) = key_ids(&body) else {
            self.fail(format_args!("another server answers: {PATH} is no key set there"), LEAD_HERE);
            return false;
        };
        let ours = self.settings.keys.as_ref().and_then(|keys| load_keys(keys, clock.now(), false).ok());
        let Some(ours) = ours else {
            let message = "a key set is published there; whether it is ours is not known";
            let mending = "look again when the signing keys can be read";
            self.findings.warning(Check::Address, self.address.issuer(), message, mending);
            return true;
        };
        let ours = ours.ring.key_ids();
        let is_ours = published.iter().any(|id| ours.contains(&id.as_str()));
        if is_ours {
            self.findings.ok(Check::Address, self.address.issuer(), "it leads to this service");
        } else {
            self.fail(
                "another server answers: it publishes none of our signing keys",
                "lead the address to this service; all its replicas must have the same keys",
            );
        }
        is_ours
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
        let answer = self.client.get(format!("http://{}/healthz", reachable(listen))).send().await;
        match answer {
            Ok(answer) => read_json(answer).await.is_some(),
            Err(_) => false,
        }
    }
}

/// The ids of the keys of a key set.
fn key_ids(body: &[u8]) -> Option<Vec<String>> {
    let set: Value = serde_json::from_slice(body).ok()?;
    let ids = set.get("keys")?.as_array()?.iter().filter_map(|key| key.get("kid")?.as_str());
    Some(ids.map(str::to_owned).collect())
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
