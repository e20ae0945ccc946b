//! How one request came here: for an operator who wants to know what the proxies in front do to it.
//!
//! INVARIANT: only a request that bears the id of an announcement is noted, and announcements are made and read at `ADMIN_LISTEN` alone,
//! by programs, not by pages in a browser. So a stranger can neither bring a note about nor read one, and the answer to the request is the same as ever.

mod endpoint;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use poem::{Addr, Request};
use serde::Serialize;
use vestibule_domain::SecureRandom;

use crate::client_address::{ClientAddress, TrustedProxies};

pub(crate) use endpoint::add_routes;

/// The header in which a request bears the id of its announcement.
pub const ARRIVAL_HEADER: &str = "x-vestibule-arrival";

/// How long an announcement counts.
const LIFE: Duration = Duration::from_secs(30);
const ID_BYTES: usize = 16;

/// What proxies add to a request.
const FORWARDING_HEADERS: [&str; 9] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-real-ip",
    "via",
    "x-request-id",
    "traceparent",
];

/// How a request came here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Arrival {
    /// The other end of the connection.
    peer: Option<IpAddr>,
    /// Whether that is one of `TRUSTED_PROXIES`.
    trusted: bool,
    /// Whose limits would count: the client, or who handed it on where the client is not known.
    client: Option<IpAddr>,
    /// Whether that is the client, and not the proxy that does not name it.
    named: bool,
    /// The names of the headers that proxies have added.
    headers: Vec<&'static str>,
}

/// The last announcement, and the request that came with its id. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether there is an announcement, so that requests need not look further.
    is_open: AtomicBool,
    announced: Mutex<Option<Announcement>>,
}

struct Announcement {
    id: String,
    until: Instant,
    arrival: Option<Arrival>,
}

impl Arrivals {
    /// Announces a request, in the place of an earlier one, and returns the id that it must bear.
    pub(crate) fn announce(&self, randomness: &dyn SecureRandom) -> String {
        let mut bytes = [0; ID_BYTES];
        randomness.fill(&mut bytes);
        let id = hex::encode(bytes);
        let until = Instant::now() + LIFE;
        *self.announced() = Some(Announcement { id: id.clone(), until, arrival: None });
        self.0.is_open.store(true, Ordering::Relaxed);
        id
    }

    /// How the request with this id came, if it did. It is told once.
    pub(crate) fn take(&self, id: &str) -> Option<Arrival> {
        self.take_at(Instant::now(), id)
    }

    fn take_at(&self, now: Instant, id: &str) -> Option<Arrival> {
        let mut announced = self.announced_at(now);
        let arrival = announced.as_mut().filter(|announced| announced.id == id)?.arrival.take()?;
        *announced = None;
        self.0.is_open.store(false, Ordering::Relaxed);
        Some(arrival)
    }

    /// Notes how a request came, if it is the one that was announced.
    pub(crate) fn note(&self, request: &Request, proxies: &TrustedProxies) {
        if self.0.is_open.load(Ordering::Relaxed)
            && let Some(id) = request.header(ARRIVAL_HEADER)
        {
            self.note_announced(id, request, proxies);
        }
    }

    /// The first request with an id is the one: whatever comes later with the same id changes nothing.
    fn note_announced(&self, id: &str, request: &Request, proxies: &TrustedProxies) {
        let mut announced = self.announced_at(Instant::now());
        if let Some(announced) = announced.as_mut().filter(|announced| announced.id == id) {
            announced.arrival.get_or_insert_with(|| Arrival::of(request, proxies));
        }
    }

    /// The announcement, if it still counts.
    fn announced_at(&self, now: Instant) -> MutexGuard<'_, Option<Announcement>> {
        let mut announced = self.announced();
        if announced.as_ref().is_some_and(|announced| announced.until < now) {
            *announced = None;
            self.0.is_open.store(false, Ordering::Relaxed);
        }
        announced
    }

    fn announced(&self) -> MutexGuard<'_, Option<Announcement>> {
        self.0.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Arrivals {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Arrivals(..)")
    }
}

impl Arrival {
    fn of(request: &Request, proxies: &TrustedProxies) -> Self {
        let peer = match &request.remote_addr().0 {
            Addr::SocketAddr(peer) => Some(peer.ip().to_canonical()),
            _ => None,
        };
        let client = proxies.find_client(request);
        let is_there = |name: &&str| request.headers().contains_key(*name);
        Self {
            peer,
            trusted: proxies.handed_on(request),
            client: client.address(),
            named: matches!(client, ClientAddress::Peer(_) | ClientAddress::Forwarded(_)),
            headers: FORWARDING_HEADERS.into_iter().filter(is_there).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use poem::http::{self, uri::Scheme};
    use poem::web::{LocalAddr, RemoteAddr};
    use poem::{Body, RequestParts};
    use vestibule_domain::SystemRandom;

    use super::*;

    fn request(id: &str) -> Request {
        request_for(id, "203.0.113.9")
    }

    fn request_for(id: &str, client: &str) -> Request {
        let peer = Addr::from(SocketAddr::from(([10, 0, 0, 7], 1)));
        let (parts, ()) = http::Request::builder()
            .header(ARRIVAL_HEADER, id)
            .header("X-Forwarded-For", client)
            .header("Via", "1.1 proxy")
            .body(())
            .unwrap()
            .into_parts();
        let parts = RequestParts::from((parts, LocalAddr(peer.clone()), RemoteAddr(peer), Scheme::HTTP));
        Request::from_parts(parts, Body::empty())
    }

    #[test]
    fn only_the_announced_request_is_noted_and_it_is_told_once() {
        let (arrivals, proxies) = (Arrivals::default(), "10.0.0.0/8".parse().unwrap());
        arrivals.note(&request(""), &proxies);
        assert_eq!(arrivals.take(""), None, "nothing is announced");
        let id = arrivals.announce(&SystemRandom);
        arrivals.note(&request("another"), &proxies);
        assert_eq!(arrivals.take(&id), None, "it has not come yet");
        arrivals.note(&request(&id), &proxies);
        assert_eq!(arrivals.take("another"), None);
        let expected = Arrival {
            peer: Some([10, 0, 0, 7].into()),
            trusted: true,
            client: Some([203, 0, 113, 9].into()),
            named: true,
            headers: vec!["x-forwarded-for", "via"],
        };
        assert_eq!(arrivals.take(&id), Some(expected));
        arrivals.note(&request(&id), &proxies);
        assert_eq!(arrivals.take(&id), None, "an id is for one request");
    }

    #[test]
    fn who_is_not_trusted_is_the_client_whatever_it_sends() {
        let (arrivals, proxies) = (Arrivals::default(), TrustedProxies::default());
        let id = arrivals.announce(&SystemRandom);
        arrivals.note(&request(&id), &proxies);
        let arrival = arrivals.take(&id).unwrap();
        assert_eq!((arrival.trusted, arrival.client, arrival.named), (false, arrival.peer, true));
    }

    #[test]
    fn a_proxy_that_hides_its_client_does_not_name_it() {
        let proxies = "10.0.0.0/8".parse().unwrap();
        for text in ["garbage", "unknown", "_hidden", "", "203.0.113.9, unknown", "unknown, 10.0.0.7"] {
            let arrivals = Arrivals::default();
            let id = arrivals.announce(&SystemRandom);
            arrivals.note(&request_for(&id, text), &proxies);
            let arrival = arrivals.take(&id).unwrap();
            assert_eq!((arrival.named, arrival.client), (false, arrival.peer), "{text}");
        }
    }

    #[test]
    fn the_first_request_with_an_id_is_the_one() {
        let (arrivals, proxies) = (Arrivals::default(), "10.0.0.0/8".parse().unwrap());
        let id = arrivals.announce(&SystemRandom);
        arrivals.note(&request(&id), &proxies);
        arrivals.note(&request_for(&id, "198.51.100.1"), &proxies);
        assert_eq!(arrivals.take(&id).unwrap().client, Some([203, 0, 113, 9].into()));
    }

    #[test]
    fn what_came_is_not_told_when_its_time_is_over() {
        let (arrivals, proxies) = (Arrivals::default(), TrustedProxies::default());
        let id = arrivals.announce(&SystemRandom);
        arrivals.note(&request(&id), &proxies);
        assert_eq!(arrivals.take_at(Instant::now() + LIFE + Duration::from_secs(1), &id), None);
        assert_eq!(arrivals.take(&id), None, "it is forgotten");
    }
}
