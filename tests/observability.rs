//! What an operator sees of a service that runs: log, metrics, audit trail, dashboard.

mod audit;
pub(crate) mod collector;
mod dashboard;
mod logs;
mod metrics;
pub(crate) mod standard_error;
mod traces;
mod traffic;
