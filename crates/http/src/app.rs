//! What the handlers of operations work with.

use std::sync::Arc;

use vestibule_flows::Flows;

use crate::client_address::TrustedProxies;
use crate::endpoints::permissions::response_cache::ResponseCache;
use crate::shutdown::Shutdown;

/// Everything that a handler may need. What surrounds every operation is the middleware's.
pub(crate) struct App {
    pub(crate) flows: Arc<Flows>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// Whether the service is about to end.
    pub(crate) shutdown: Shutdown,
    /// What was answered to authorizations.
    pub(crate) responses: ResponseCache,
}
