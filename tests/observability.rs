//! What an operator sees of a service that runs: log, metrics, audit trail, dashboard.

mod audit;
mod dashboard;
mod logs;
mod metrics;
mod traffic;
