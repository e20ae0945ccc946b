//! Liveness and readiness, for probes.

pub(crate) mod responses;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use vestibule_flows::Readiness;

use super::handler::handler;
use super::tag::Tag;
use crate::app::App;
use crate::error::{ApiError, Documented, Status, Statuses};
use crate::responses::Success;

use responses::HealthAnswer;

pub(crate) struct HealthApi;

pub(crate) struct HealthFailures;

impl Statuses for HealthFailures {
    const ALL: &'static [Status] = &[];
}

pub(crate) struct ReadinessFailures;

impl Statuses for ReadinessFailures {
    const ALL: &'static [Status] = &[Status::retry(
        503,
        "The database, the keys or a plugin cannot be used, or the service is stopping; the text says which.",
    )];
}

handler!(handle_health(_app, _context, _) => HealthApi.check_health());

handler!(handle_readiness(app, _context, _) => HealthApi.check_readiness(Data(app)));

#[expect(clippy::unused_async, reason = "operations are async, also those that wait for nothing")]
#[OpenApi]
impl HealthApi {
    /// Says that the process is alive
    ///
    /// Looks at nothing else: a restart would not mend what lies outside the process.
    #[oai(path = "/healthz", method = "get", tag = "Tag::Health", operation_id = "check_health")]
    async fn check_health(&self) -> Result<Success<HealthAnswer>, Documented<HealthFailures>> {
        Ok(Success(HealthAnswer::alive()))
    }

    /// Says whether the service can do its work
    ///
    /// Looks at the database, the signing key and the plugins. A load balancer sends requests elsewhere while it says no.
    /// A clock that differs from the database's is named in `warnings` and is no reason for that.
    #[oai(path = "/readyz", method = "get", tag = "Tag::Health", operation_id = "check_readiness")]
    async fn check_readiness(
        &self,
        app: Data<&Arc<App>>,
    ) -> Result<Success<HealthAnswer>, Documented<ReadinessFailures>> {
        if app.shutdown.has_begun() {
            return Err(ApiError::NotReady("the service is stopping").into());
        }
        match app.flows.check_readiness().await {
            Ok(Readiness { warnings }) => Ok(Success(HealthAnswer::ready(warnings))),
            Err(reason) => Err(ApiError::NotReady(reason).into()),
        }
    }
}
