//! The connections to the database.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use vestibule_storage::PoolState;

use super::{gauges, number};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, pools: &[PoolState]) -> fmt::Result {
    let connections = pools.iter().flat_map(|pool| {
        let count = |state, count| ([("pool", pool.name), ("state", state)], number(count));
        [count("in_use", pool.in_use), count("idle", pool.open.saturating_sub(pool.in_use))]
    });
    let help = "Connections to the database that are open, by pool and state";
    gauges(encoder, "database_connections", help, connections)?;
    let most = pools.iter().map(|pool| ([("pool", pool.name)], number(pool.most)));
    let help = "Connections to the database that there may be, by pool";
    gauges(encoder, "database_connections_max", help, most)?;
    let waiting = pools.iter().map(|pool| ([("pool", pool.name)], number(pool.waiting)));
    let help = "Operations that wait for a connection to the database, by pool";
    gauges(encoder, "database_waiting", help, waiting)
}
