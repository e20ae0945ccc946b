//! What the operator decided about the HTTP surface.

use std::sync::Arc;

use vestibule_domain::ServiceName;

use crate::arrivals::Arrivals;
use crate::client_address::TrustedProxies;
use crate::middleware::access_log::AccessLog;
use crate::middleware::rate_limit::AddressRates;
use crate::middleware::trace::RequestTracer;
use crate::shutdown::Shutdown;

/// What the operator decided about the HTTP surface.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How often one address may ask for what costs something.
    pub address_rates: AddressRates,
    /// With these the page at `/` is the demonstration, which offers these services; without, the plain page.
    pub demo_services: Option<Vec<ServiceName>>,
    /// Exports the spans of requests; `None`: they are not exported.
    pub tracer: Option<Arc<dyn RequestTracer>>,
    /// Which lines of requests are written.
    pub access_log: AccessLog,
    /// Requests whose way is to be noted.
    pub arrivals: Arrivals,
    /// Whether the service is about to end.
    pub shutdown: Shutdown,
}
