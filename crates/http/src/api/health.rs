//! For whatever watches over the service.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::Tag;
use crate::App;
use crate::answers::HealthAnswer;
use crate::failure::{Failure, Status, Statuses};
use crate::problem::Problem;

pub(crate) struct HealthApi;

pub(crate) struct ReadinessFailures;

impl Statuses for ReadinessFailures {
    const ALL: &'static [Status] =
        &[Status::retry(503, "The database, the keys or a plugin cannot be used; the text says which.")];
}

#[OpenApi]
impl HealthApi {
    /// Says that the process is alive
    #[oai(path = "/healthz", method = "get", tag = "Tag::Health", operation_id = "check_health")]
    async fn check_health(&self) -> Json<HealthAnswer> {
        Json(HealthAnswer { status: "alive".into() })
    }

    /// Says whether the service can do its work
    #[oai(path = "/readyz", method = "get", tag = "Tag::Health", operation_id = "check_readiness")]
    async fn check_readiness(
        &self,
        app: Data<&Arc<App>>,
    ) -> Result<Json<HealthAnswer>, Failure<ReadinessFailures>> {
        match app.flows.find_hindrance().await {
            None => Ok(Json(HealthAnswer { status: "ready".into() })),
            Some(reason) => Err(Problem::NotReady(reason).into()),
        }
    }
}
