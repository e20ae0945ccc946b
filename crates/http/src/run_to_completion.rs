//! Runs work to its end, also when the client has gone away.

use tracing::Instrument as _;
use vestibule_flows::{FlowError, with_time_budget};

use crate::error::ApiError;

/// Runs a flow, with a time budget of its own, that changes things in several steps. A request is dropped together with its connection, as at the end of the service; on its own, a
/// flow would then stop wherever it happened to wait: a user without the extensions having heard of it, a session that
/// is over without anybody having been told.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    flow: impl Future<Output = Result<T, FlowError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(with_time_budget(flow).in_current_span()).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(ApiError::Panicked),
    }
}
