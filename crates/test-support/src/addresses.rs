//! Addresses of the HTTP interface, and their parameters.

use url::Url;

/// Every address that answers GET with 200, without a token and without a parameter.
pub const READABLE: [&str; 21] = [
    "/",
    "/docs",
    "/favicon.ico",
    "/openapi.json",
    "/openapi.yaml",
    "/assets/app.js",
    "/assets/demo.js",
    "/assets/service.js",
    "/assets/verify.js",
    "/assets/home.css",
    "/assets/style.css",
    "/assets/logo.svg",
    "/auth/check",
    "/auth/authorize",
    "/auth/resolve",
    "/auth/get_profile",
    "/auth/public-key",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/auth/check?jwt=not.a.token",
];

/// Addresses that exist for POST alone.
pub const WRITABLE: [&str; 2] = ["/auth/update", "/auth/logout"];

/// The login address of a service that leads to this provider and then to `next`.
pub fn login_address(base_url: &str, provider: &str, next: &str) -> Url {
    let address = format!("{base_url}/auth/login/{provider}");
    with_parameter(&Url::parse(&address).expect("a base address"), "next", next)
}

/// A parameter of an address.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The address with another value of one parameter.
pub fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = without_parameter(url, name);
    changed.query_pairs_mut().append_pair(name, value);
    changed
}

/// The address without one parameter.
pub fn without_parameter(url: &Url, name: &str) -> Url {
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(kept);
    changed
}
