//! Several replicas on one PostgreSQL behind `HAProxy`, with the configuration that operators are given.

mod agreement;
mod clocks;
mod credentials;
mod haproxy;
mod kill;
mod load;
mod outage;
mod proxies;
mod races;
mod rolling;
mod setting_up;
pub(crate) mod stage;
mod upgrade;
