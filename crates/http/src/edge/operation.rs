//! Paths by name, for logs and metrics: a bounded set, whatever clients ask for.

/// The operation that a path belongs to.
pub(crate) fn operation_of(path: &str) -> &'static str {
    match path {
        "/auth/check" => "check_session",
        "/auth/oauth_callback" => "finish_sign_in",
        "/auth/authorize" => "authorize_service",
        "/auth/update" => "update_user",
        "/auth/logout" => "end_session",
        "/auth/public-key" => "read_public_key",
        "/auth/resolve" => "resolve_username",
        "/auth/get_profile" => "find_profile",
        "/.well-known/jwks.json" => "read_jwks",
        "/healthz" => "check_health",
        "/readyz" => "check_readiness",
        "/openapi.json" | "/openapi.yaml" | "/docs" => "read_documentation",
        "/" => "show_home",
        path if path.starts_with("/assets/") => "read_asset",
        path if path.starts_with("/auth/login/") => "start_sign_in",
        _ => "other",
    }
}

/// The `Allow` header of a 405 (RFC 9110 section 10.2.1).
pub(crate) fn allowed_methods(path: &str) -> &'static str {
    match operation_of(path) {
        "update_user" | "end_session" => "POST",
        _ => "GET, HEAD",
    }
}
