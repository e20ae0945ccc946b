//! The layer around endpoints that misbehave.

use std::time::Duration;

use poem::endpoint::make_sync;
use poem::error::InternalServerError;
use poem::http::StatusCode;
use poem::{EndpointExt, Route, get};
use serde_json::Value;
use vestibule_domain::{AllowedOrigins, Origin, SystemRandom};

use super::request_id::RequestIds;
use super::*;
use crate::{ObservedOperation, TrustedProxies};

struct NoObserver;

impl RequestObserver for NoObserver {
    fn answered(&self, _: ObservedOperation, _: u16, _: Duration) {}
    fn rate_limited(&self, _: &'static str, _: &'static str) {}
}

fn middleware(https: bool) -> Middleware {
    let routes = Route::new()
        .at("/panics", get(make_sync(|_| -> &str { panic!("a secret in a panic") })))
        .at("/fails", get(make_sync(|_| -> poem::Result<&str> { Err(InternalServerError(Secret)) })))
        .at("/speaks", get(make_sync(|_| "four")))
        .at("/auth/oauth_callback", get(make_sync(|_| -> &str { panic!("a secret in a panic") })));
    Middleware {
        cors: Cors::new(
            AllowedOrigins::new(vec![Origin::parse("https://app.example.com").unwrap()]),
            Origin::parse("https://auth.example.com").unwrap(),
        ),
        default_headers: security_headers::default_headers(https),
        trusted_proxies: TrustedProxies::default(),
        limits: AddressLimits::new(rate_limit::AddressRates::default(), TrustedProxies::default()),
        tracer: None,
        observer: Arc::new(NoObserver),
        ids: RequestIds::new(Arc::new(SystemRandom)),
        access: AccessLog::new(None),
        arrivals: Arrivals::default(),
        operations: None,
        pages: routes.boxed(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a secret in an error")]
struct Secret;

async fn ask(middleware: &Middleware, method: Method, path: &str) -> Response {
    let request = Request::builder().method(method).uri_str(path).header("origin", "https://app.example.com");
    middleware.call(request.finish()).await.unwrap()
}

async fn json(mut response: Response) -> Value {
    serde_json::from_str(&response.take_body().into_string().await.unwrap()).unwrap()
}

#[tokio::test]
async fn k9_an_endpoint_that_panics_is_answered_for_and_the_next_request_is_fine() {
    let middleware = middleware(false);
    for path in ["/panics", "/fails"] {
        let response = ask(&middleware, Method::GET, path).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let id = response.header("x-request-id").unwrap().to_owned();
        let body = json(response).await;
        let expected = serde_json::json!({
            "error": "server_error",
            "error_description": "something went wrong on our side",
            "request_id": id,
        });
        assert_eq!(body, expected, "{path}");
    }
    assert_eq!(ask(&middleware, Method::GET, "/speaks").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn n2_the_page_of_a_fault_tells_nothing_of_it() {
    let mut response = ask(&middleware(false), Method::GET, "/auth/oauth_callback").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = response.header("x-request-id").unwrap().to_owned();
    let page = response.take_body().into_string().await.unwrap();
    assert!(page.contains("The fault is on our side.") && page.contains(&id), "{page}");
    assert!(!page.contains("secret"), "{page}");
}

#[tokio::test]
async fn g9_a_fault_has_the_same_headers_as_any_answer() {
    for https in [false, true] {
        for path in ["/panics", "/fails", "/speaks", "/nowhere"] {
            let response = ask(&middleware(https), Method::GET, path).await;
            for name in [
                "content-security-policy",
                "cache-control",
                "referrer-policy",
                "x-content-type-options",
                "x-frame-options",
                "cross-origin-opener-policy",
                "cross-origin-resource-policy",
                "x-request-id",
                "access-control-allow-origin",
                "vary",
            ] {
                assert!(response.header(name).is_some(), "{name} of {path}");
            }
            assert_eq!(response.header("strict-transport-security").is_some(), https, "{path}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_head_knows_the_length_of_the_body_that_it_leaves_out() {
    let mut response = ask(&middleware(false), Method::HEAD, "/speaks").await;
    assert_eq!(response.header("content-length"), Some("4"));
    assert_eq!(response.take_body().into_string().await.unwrap(), "");
}
