//! What clients may ask for: one row an operation. Path match, `Allow`, rate class, error format, the name in logs and metrics, the
//! answer without a wait, and the handler all come from it.
//!
//! To add an operation: a method in a file of `endpoints/` with its handler beside it, and a row here. A test holds the rows against
//! the OpenAPI document.

use poem::http::Method;

use crate::authn::Accepts;
use crate::endpoints;
use crate::endpoints::handler::Handler;
use crate::error::ErrorFormat;
use crate::immediate::{Immediate, ImmediateAnswer};
use crate::middleware::rate_limit::RateClass;
use crate::observer::ObservedOperation;
use crate::path_pattern::PathPattern::{self, Between, Exact, Nested, Prefix};

/// One operation, or one kind of page.
pub(crate) struct Operation {
    /// The name in the document, in logs and in metrics.
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    pub(crate) path: PathPattern,
    /// What its requests are counted for; `None` where they cost nothing.
    pub(crate) rate: Option<RateClass>,
    /// What it accepts as proof of who asks.
    pub(crate) accepts: Accepts,
    pub(crate) errors: ErrorFormat,
    /// Whether verifiers, load balancers and supervisors ask for it all the time.
    pub(crate) is_routine: bool,
    /// Whether it says the same to everybody, so that pages of every origin may read it.
    pub(crate) is_public: bool,
    /// Whether it asks how the service is. That others still ask says nothing about what else they send.
    pub(crate) is_probe: bool,
    /// Answers from memory, if it can.
    pub(crate) immediate: Option<Immediate>,
    /// `None` for a page, which the router of pages knows.
    pub(crate) handler: Option<Handler>,
}

/// A page, or a file of one.
const PAGE: Operation = Operation {
    id: "other",
    method: Method::GET,
    path: Prefix(""),
    rate: None,
    accepts: Accepts::Nothing,
    errors: ErrorFormat::Json,
    is_routine: false,
    is_public: false,
    is_probe: false,
    immediate: None,
    handler: None,
};

/// All of them, those that are asked for most first.
static OPERATIONS: [Operation; 47] = [
    Operation {
        id: "check_session",
        path: Exact("/auth/check"),
        accepts: Accepts::Token,
        immediate: Some(ImmediateAnswer::check_session),
        handler: Some(endpoints::sessions::handle_check),
        ..PAGE
    },
    Operation {
        id: "authorize_service",
        path: Exact("/auth/authorize"),
        rate: Some(RateClass::Authorize),
        accepts: Accepts::Token,
        handler: Some(endpoints::permissions::handle_authorize),
        ..PAGE
    },
    Operation {
        id: "read_jwks",
        path: Exact("/.well-known/jwks.json"),
        is_routine: true,
        is_public: true,
        immediate: Some(ImmediateAnswer::jwks),
        handler: Some(endpoints::keys::handle_jwks),
        ..PAGE
    },
    Operation {
        id: "read_public_key",
        path: Exact("/auth/public-key"),
        is_routine: true,
        is_public: true,
        immediate: Some(ImmediateAnswer::public_key),
        handler: Some(endpoints::keys::handle_public_key),
        ..PAGE
    },
    Operation {
        id: "check_health",
        path: Exact("/healthz"),
        is_routine: true,
        is_probe: true,
        immediate: Some(ImmediateAnswer::alive),
        handler: Some(endpoints::health::handle_health),
        ..PAGE
    },
    Operation {
        id: "check_readiness",
        path: Exact("/readyz"),
        is_routine: true,
        is_probe: true,
        handler: Some(endpoints::health::handle_readiness),
        ..PAGE
    },
    Operation {
        id: "start_sign_in",
        path: Prefix("/auth/login/"),
        rate: Some(RateClass::SignIn),
        errors: ErrorFormat::Negotiated,
        handler: Some(endpoints::sign_in::handle_start),
        ..PAGE
    },
    Operation {
        id: "show_sign_in",
        path: Exact("/sign-in"),
        accepts: Accepts::CookieOfPage,
        errors: ErrorFormat::Html,
        handler: Some(endpoints::sign_in_page::handle_show),
        ..PAGE
    },
    Operation {
        id: "read_session",
        path: Exact("/auth/session"),
        accepts: Accepts::TokenHandleOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::session::handle_read),
        ..PAGE
    },
    Operation {
        id: "replace_session_data",
        method: Method::PUT,
        path: Exact("/auth/session/data"),
        accepts: Accepts::TokenHandleOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::session_data::handle_replace),
        ..PAGE
    },
    Operation {
        id: "update_session_data",
        method: Method::PATCH,
        path: Exact("/auth/session/data"),
        accepts: Accepts::TokenHandleOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::session_data::handle_update),
        ..PAGE
    },
    Operation {
        id: "clear_session_data",
        method: Method::DELETE,
        path: Exact("/auth/session/data"),
        accepts: Accepts::TokenHandleOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::session_data::handle_clear),
        ..PAGE
    },
    Operation {
        id: "list_tokens",
        path: Exact("/auth/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_list),
        ..PAGE
    },
    Operation {
        id: "create_token",
        method: Method::POST,
        path: Exact("/auth/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_make),
        ..PAGE
    },
    Operation {
        id: "revoke_tokens",
        method: Method::DELETE,
        path: Exact("/auth/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_revoke_all),
        ..PAGE
    },
    Operation {
        id: "rotate_token",
        method: Method::POST,
        path: Between("/auth/tokens/", "/rotate"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_rotate),
        ..PAGE
    },
    Operation {
        id: "update_token",
        method: Method::PATCH,
        path: Prefix("/auth/tokens/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_change),
        ..PAGE
    },
    Operation {
        id: "revoke_token",
        method: Method::DELETE,
        path: Prefix("/auth/tokens/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::tokens::handle_revoke),
        ..PAGE
    },
    Operation {
        id: "create_token_pair",
        method: Method::POST,
        path: Exact("/auth/token"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::token_pairs::handle_create),
        ..PAGE
    },
    Operation {
        id: "refresh_token_pair",
        method: Method::POST,
        path: Exact("/auth/token/refresh"),
        accepts: Accepts::Bearer,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::token_pairs::handle_refresh),
        ..PAGE
    },
    Operation {
        id: "replace_token_pair",
        method: Method::PUT,
        path: Exact("/auth/token/refresh"),
        accepts: Accepts::Bearer,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::token_pairs::handle_replace),
        ..PAGE
    },
    Operation {
        id: "revoke_token_pair",
        method: Method::POST,
        path: Exact("/auth/token/revoke"),
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::token_pairs::handle_revoke),
        ..PAGE
    },
    Operation {
        id: "list_grants",
        path: Exact("/auth/grants"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::grants::handle_list),
        ..PAGE
    },
    Operation {
        id: "update_grant",
        method: Method::PATCH,
        path: Prefix("/auth/grants/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::grants::handle_change),
        ..PAGE
    },
    Operation {
        id: "revoke_grant",
        method: Method::DELETE,
        path: Prefix("/auth/grants/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::grants::handle_revoke),
        ..PAGE
    },
    Operation {
        id: "list_role_accounts",
        path: Exact("/auth/role_accounts"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_accounts::handle_list),
        ..PAGE
    },
    Operation {
        id: "create_role_account",
        method: Method::POST,
        path: Exact("/auth/role_accounts"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_accounts::handle_make),
        ..PAGE
    },
    Operation {
        id: "list_role_tokens",
        path: Between("/auth/role_accounts/", "/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_list),
        ..PAGE
    },
    Operation {
        id: "create_role_token",
        method: Method::POST,
        path: Between("/auth/role_accounts/", "/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_make),
        ..PAGE
    },
    Operation {
        id: "revoke_role_tokens",
        method: Method::DELETE,
        path: Between("/auth/role_accounts/", "/tokens"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_revoke_all),
        ..PAGE
    },
    Operation {
        id: "rotate_role_token",
        method: Method::POST,
        path: Nested("/auth/role_accounts/", "/tokens/", "/rotate"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_rotate),
        ..PAGE
    },
    Operation {
        id: "update_role_token",
        method: Method::PATCH,
        path: Nested("/auth/role_accounts/", "/tokens/", ""),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_change),
        ..PAGE
    },
    Operation {
        id: "revoke_role_token",
        method: Method::DELETE,
        path: Nested("/auth/role_accounts/", "/tokens/", ""),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_tokens::handle_revoke),
        ..PAGE
    },
    Operation {
        id: "read_role_account",
        path: Prefix("/auth/role_accounts/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_accounts::handle_read),
        ..PAGE
    },
    Operation {
        id: "update_role_account",
        method: Method::PATCH,
        path: Prefix("/auth/role_accounts/"),
        accepts: Accepts::TokenOrCookie,
        errors: ErrorFormat::Typed,
        handler: Some(endpoints::role_accounts::handle_change),
        ..PAGE
    },
    Operation {
        id: "finish_sign_in",
        path: Exact("/auth/oauth_callback"),
        rate: Some(RateClass::SignIn),
        errors: ErrorFormat::Html,
        handler: Some(endpoints::sign_in::handle_finish),
        ..PAGE
    },
    Operation {
        id: "finish_provider_sign_in",
        path: Prefix("/auth/callback/"),
        rate: Some(RateClass::SignIn),
        errors: ErrorFormat::Html,
        handler: Some(endpoints::sign_in::handle_finish_provider),
        ..PAGE
    },
    Operation {
        id: "update_user",
        method: Method::POST,
        path: Exact("/auth/update"),
        rate: Some(RateClass::Update),
        accepts: Accepts::Token,
        handler: Some(endpoints::users::handle_update),
        ..PAGE
    },
    Operation {
        id: "end_session",
        method: Method::POST,
        path: Exact("/auth/logout"),
        accepts: Accepts::Token,
        handler: Some(endpoints::sessions::handle_end),
        ..PAGE
    },
    Operation {
        id: "resolve_username",
        path: Exact("/auth/resolve"),
        rate: Some(RateClass::Lookup),
        handler: Some(endpoints::users::handle_resolve),
        ..PAGE
    },
    Operation {
        id: "find_profile",
        path: Exact("/auth/get_profile"),
        rate: Some(RateClass::Lookup),
        handler: Some(endpoints::users::handle_find_profile),
        ..PAGE
    },
    Operation { id: "show_home", path: Exact("/"), ..PAGE },
    Operation { id: "read_asset", path: Prefix("/assets/"), ..PAGE },
    Operation { id: "read_asset", path: Exact("/favicon.ico"), ..PAGE },
    Operation { id: "read_documentation", path: Exact("/openapi.json"), is_public: true, ..PAGE },
    Operation { id: "read_documentation", path: Exact("/openapi.yaml"), is_public: true, ..PAGE },
    Operation { id: "read_documentation", path: Exact("/docs"), ..PAGE },
];

/// Every address that is none of ours.
static OTHER: Operation = PAGE;

impl Operation {
    /// The operation of a request; one of another method where the address has none of this one.
    pub(crate) fn find(method: &Method, path: &str) -> &'static Self {
        let mut found = None;
        for operation in at(path) {
            if operation.allows(method) {
                return operation;
            }
            found = found.or(Some(operation));
        }
        // A path that only begins as one does is answered as that one.
        let similar = || OPERATIONS.iter().find(|operation| operation.path.matches(path));
        found.or_else(similar).unwrap_or(&OTHER)
    }

    /// What an observer is told of it.
    pub(crate) fn observed(&self) -> ObservedOperation {
        let index = OPERATIONS.iter().position(|known| std::ptr::eq(known, self));
        ObservedOperation { id: self.id, index: index.unwrap_or(OPERATIONS.len()) }
    }

    /// HEAD is GET without a body (RFC 9110 section 9.3.2).
    pub(crate) fn allows(&self, method: &Method) -> bool {
        *method == self.method || *method == Method::HEAD && self.method == Method::GET
    }
}

/// The operations of a path that there is.
fn at(path: &str) -> impl Iterator<Item = &'static Operation> {
    let is_there =
        move |operation: &&Operation| operation.path.matches(path) && operation.path.is_complete(path);
    OPERATIONS.iter().filter(is_there)
}

/// The `Allow` header of a 405 (RFC 9110 section 10.2.1).
pub(crate) fn allowed_methods(path: &str) -> String {
    let mut methods: Vec<&str> = at(path).map(|operation| operation.method.as_str()).collect();
    if methods.is_empty() {
        methods.push("GET");
    }
    methods.sort_unstable();
    methods.join(", ").replace("GET", "GET, HEAD")
}

/// Whether a path is one at which others ask how the service is.
pub fn is_probe(path: &str) -> bool {
    Operation::find(&Method::GET, path).is_probe
}

#[cfg(test)]
mod tests;
