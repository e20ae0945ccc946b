//! File descriptors: how many the service needs for itself, and how many client connections the rest allows.

use rustix::process::{Resource, getrlimit, setrlimit};
use vestibule_plugin_host::InstanceSpec;
use vestibule_storage::DatabaseKind;
use vestibule_upstream::ExchangeLimit;

use super::listeners::ADMIN_CONNECTIONS;
use crate::settings::Settings;

/// Standard streams, the runtime, signals, sockets that listen, the log, and files that are read for a moment.
const OWN: usize = 32;
/// Database connections outside the pool: the feed of changes, the probe of an absent server, the reader of a backup.
const OUTSIDE_THE_POOL: usize = 4;
/// SQLite has three files open for each connection: database, log, index of the log.
const FILES_PER_SQLITE_CONNECTION: usize = 3;
/// The sockets and the pipes of a plugin's process and of its successor, and files that the plugin keeps open.
const PER_PLUGIN: usize = 16;
/// Pipes to a worker, or a connection to a receiver.
const PER_CALL: usize = 4;
/// The collector of traces: one request at a time, and the remains of the one before it.
const FOR_TRACES: usize = 4;
/// The number of clients that may always connect.
const MIN_CONNECTIONS: usize = 16;

/// One in this many descriptors is for connections to providers.
const SHARE_OF_PROVIDERS: usize = 4;

/// The division of the descriptors.
pub(crate) struct Descriptors {
    all: usize,
    reserved: usize,
    pub(super) exchanges: ExchangeLimit,
}

impl Descriptors {
    /// Divides the descriptors that the system allows.
    pub(crate) fn divide(settings: &Settings) -> Self {
        let providers = &settings.providers;
        let count = usize::from(providers.google.is_some())
            + usize::from(providers.github.is_some())
            + providers.others.len();
        // With `--dev` the other ends are in the same process.
        let ends = if settings.dev { 2 } else { 1 };
        Self::from_counts(raise_limit(), count * ends, count_other_needs(settings))
    }

    fn from_counts(all: usize, providers: usize, rest: usize) -> Self {
        let exchanges = ExchangeLimit::within(all / SHARE_OF_PROVIDERS / providers.max(1));
        Self { all, reserved: rest + providers * exchanges.descriptors(), exchanges }
    }

    /// How many the system allows.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// How many the service keeps for itself.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// How many client connections there is room for.
    pub(crate) fn room_for_clients(&self) -> usize {
        self.all.saturating_sub(self.reserved).max(MIN_CONNECTIONS)
    }

    /// The same, and no more than are wanted.
    pub(super) fn affordable(&self, wanted: usize) -> usize {
        let affordable = self.room_for_clients();
        if affordable < wanted {
            tracing::warn!(
                MAX_CONNECTIONS = wanted,
                affordable,
                reserved = self.reserved,
                "the limit of open files (ulimit -n) allows fewer connections"
            );
        }
        wanted.min(affordable)
    }
}

/// Raises the limit as far as the system allows, and returns it.
fn raise_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.or(limit.current);
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current;
    descriptors.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
}

/// How many descriptors everything but clients and providers may need at once.
fn count_other_needs(settings: &Settings) -> usize {
    let connections = settings.database_connections + OUTSIDE_THE_POOL;
    let database = match settings.database.kind() {
        DatabaseKind::Sqlite => connections * FILES_PER_SQLITE_CONNECTION,
        DatabaseKind::Postgres => connections,
    };
    let plan = &settings.plugins;
    let plugins =
        plan.services.iter().map(|(_, spec)| spec).chain(&plan.extensions).chain(&plan.token_handlers);
    let traces = settings.traces.as_ref().map_or(0, |_| FOR_TRACES);
    let admin = settings.admin_listen.map_or(0, |_| ADMIN_CONNECTIONS);
    OWN + database + plugins.map(count_for_plugin).sum::<usize>() + traces + admin
}

fn count_for_plugin(spec: &InstanceSpec) -> usize {
    PER_PLUGIN + PER_CALL * spec.settings.concurrency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k2_clients_have_what_the_service_does_not_need() {
        let many = Descriptors::from_counts(4096, 3, 150);
        assert_eq!(many.exchanges, ExchangeLimit::MOST);
        assert_eq!(many.affordable(100_000), 4096 - 150 - 3 * ExchangeLimit::MOST.descriptors());
        assert_eq!(many.affordable(100), 100);
    }

    #[test]
    fn k2_where_there_are_few_providers_leave_most_of_them_to_clients() {
        let few = Descriptors::from_counts(512, 3, 150);
        assert!(few.exchanges != ExchangeLimit::MOST && few.affordable(4096) > 512 / 3, "{}", few.reserved);
        assert_eq!(Descriptors::from_counts(64, 3, 150).affordable(4096), MIN_CONNECTIONS);
    }
}
