//! What every answer has, whatever was asked: methods, bodies that are refused, and who may read it from another origin.

mod bodies;
mod cors;
mod methods;
mod pages;

use crate::app::FRONTEND;

/// Every address that answers GET with 200, without a token and without a parameter.
const READABLE: [&str; 21] = [
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
const WRITABLE: [&str; 2] = ["/auth/update", "/auth/logout"];

/// The login address with an allowed `next`.
fn login() -> String {
    format!("/auth/login/google?next={FRONTEND}")
}
