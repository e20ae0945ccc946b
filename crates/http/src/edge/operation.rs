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
        "/favicon.ico" => "read_asset",
        path if path.starts_with("/assets/") => "read_asset",
        path if path.starts_with("/auth/callback/") => "finish_provider_sign_in",
        path if path.starts_with("/auth/login/") => "start_sign_in",
        _ => "other",
    }
}

/// What verifiers, load balancers and supervisors ask for all the time.
pub(crate) fn is_routine(operation: &str) -> bool {
    matches!(operation, "read_public_key" | "read_jwks" | "check_health" | "check_readiness")
}

/// The `Allow` header of a 405 (RFC 9110 section 10.2.1).
pub(crate) fn allowed_methods(path: &str) -> &'static str {
    match operation_of(path) {
        "update_user" | "end_session" => "POST",
        _ => "GET, HEAD",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Path, method and operation id of everything in the OpenAPI document.
    fn documented() -> Vec<(String, String, String)> {
        let document: serde_json::Value = serde_json::from_str(&crate::api::document().spec()).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, operation)| {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                (path.replace("{provider}", "google"), method.to_ascii_uppercase(), id)
            })
        });
        operations.collect()
    }

    #[test]
    fn logs_and_metrics_call_an_operation_as_the_document_does() {
        for (path, _, id) in documented() {
            assert_eq!(operation_of(&path), id, "{path}");
        }
    }

    #[test]
    fn a_405_names_the_methods_that_the_document_has() {
        let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, method, _) in documented() {
            methods.entry(path).or_default().push(method);
        }
        for (path, methods) in methods {
            let expected = methods.join(", ").replace("GET", "GET, HEAD");
            assert_eq!(allowed_methods(&path), expected, "{path}");
        }
    }
}
