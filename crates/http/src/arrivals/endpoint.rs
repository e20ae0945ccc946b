//! `POST /arrivals` and `GET /arrivals/ID` of `ADMIN_LISTEN`, for programs on the machine or in the network of the service.
//!
//! INVARIANT: no page in a browser gets through. What it sends to another origin bears `Origin`, and what it sends to a name that it
//! has led to this listener bears that name as `Host`; programs ask by the address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use poem::endpoint::make_sync;
use poem::http::StatusCode;
use poem::http::header::{HOST, ORIGIN};
use poem::web::Json;
use poem::{Error, Request, Result, Route};
use serde_json::{Value, json};
use vestibule_domain::SecureRandom;

use super::{Arrival, Arrivals};

/// Adds both paths.
pub(crate) fn add_routes(route: Route, arrivals: Arrivals, randomness: Arc<dyn SecureRandom>) -> Route {
    let announcing = arrivals.clone();
    let announce = move |request: Request| -> Result<Json<Value>> {
        refuse_browsers(&request)?;
        Ok(Json(json!({ "id": announcing.announce(randomness.as_ref()) })))
    };
    let take = move |request: Request| -> Result<Json<Arrival>> {
        refuse_browsers(&request)?;
        let arrival = arrivals.take(request.raw_path_param("id").unwrap_or_default());
        arrival.map(Json).ok_or_else(|| Error::from_status(StatusCode::NOT_FOUND))
    };
    route.at("/arrivals", poem::post(make_sync(announce))).at("/arrivals/:id", poem::get(make_sync(take)))
}

fn refuse_browsers(request: &Request) -> Result<()> {
    let is_from_page = request.headers().contains_key(ORIGIN);
    let names_this = request.header(HOST).is_some_and(is_address);
    if names_this && !is_from_page { Ok(()) } else { Err(Error::from_status(StatusCode::FORBIDDEN)) }
}

/// Whether this is an address, or the one name that leads nowhere but to the machine itself.
fn is_address(authority: &str) -> bool {
    let bare = authority.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(authority);
    let name = authority.split(':').next().unwrap_or_default();
    authority.parse::<SocketAddr>().is_ok()
        || bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use poem::Endpoint as _;
    use poem::http::Method;
    use vestibule_domain::SystemRandom;

    use super::*;

    async fn status_of(method: Method, path: &str, headers: &[(&str, &str)]) -> u16 {
        let endpoint = add_routes(Route::new(), Arrivals::default(), Arc::new(SystemRandom));
        let uri = path.parse().unwrap();
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        endpoint.get_response(request.finish()).await.status().as_u16()
    }

    #[tokio::test]
    async fn what_a_page_in_a_browser_sends_is_refused() {
        for host in ["127.0.0.1:9000", "[::1]:9000", "10.0.0.7", "localhost:9000", "LOCALHOST"] {
            assert_eq!(status_of(Method::POST, "/arrivals", &[("Host", host)]).await, 200, "{host}");
            assert_eq!(status_of(Method::GET, "/arrivals/x", &[("Host", host)]).await, 404, "{host}");
            for origin in ["https://evil.example", "null", "http://127.0.0.1:3000"] {
                let headers = [("Host", host), ("Origin", origin)];
                assert_eq!(status_of(Method::POST, "/arrivals", &headers).await, 403, "{origin}");
            }
        }
        for host in
            ["evil.example:9000", "127.0.0.1.evil.example", "localhost.evil.example", "[::1].x", "@", ""]
        {
            assert_eq!(status_of(Method::POST, "/arrivals", &[("Host", host)]).await, 403, "{host}");
            assert_eq!(status_of(Method::GET, "/arrivals/x", &[("Host", host)]).await, 403, "{host}");
        }
        assert_eq!(status_of(Method::POST, "/arrivals", &[]).await, 403);
    }
}
