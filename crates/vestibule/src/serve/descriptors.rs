//! File descriptors: how many the service needs for itself, and how many connections of clients they leave room for.

use rustix::process::{Resource, getrlimit, setrlimit};
use vestibule_plugin_host::InstanceSpec;
use vestibule_storage::DatabaseKind;
use vestibule_upstream::ExchangeLimit;

use super::listeners::ADMIN_CONNECTIONS;
use crate::settings::Settings;

/// Standard streams, the runtime, signals, sockets that listen, the log, and files that are read for a moment.
const OWN: usize = 32;
/// Beside the pool: the feed of changes, the look-out for a server that is away, a reader for a backup.
const BESIDE_THE_POOL: usize = 4;
/// SQLite has three files open for each connection: database, log, index of the log.
const FILES_OF_SQLITE: usize = 3;
/// The sockets of two processes that take each other's place, and files that a plugin keeps open.
const OF_A_PLUGIN: usize = 8;
/// Pipes to a worker, or a connection to a receiver.
const OF_A_CALL: usize = 4;
/// The collector: one request at a time, and what the one before it has left.
const OF_TRACES: usize = 4;
/// Whatever the settings, so many clients may connect.
const LEAST: usize = 16;

/// Of all descriptors, one in so many is for connections to providers.
const SHARE_OF_PROVIDERS: usize = 4;

/// How the descriptors are shared out.
pub(super) struct Descriptors {
    all: usize,
    kept_back: usize,
    pub(super) exchanges: ExchangeLimit,
}

impl Descriptors {
    /// Shares out what the system gives us.
    pub(super) fn share_out(settings: &Settings) -> Self {
        let providers = &settings.providers;
        let count = usize::from(providers.google.is_some())
            + usize::from(providers.github.is_some())
            + providers.others.len();
        // With `--dev` the other ends are in the same process.
        let ends = if settings.dev { 2 } else { 1 };
        Self::of(raise(), count * ends, of_the_rest(settings))
    }

    fn of(all: usize, providers: usize, rest: usize) -> Self {
        let exchanges = ExchangeLimit::within(all / SHARE_OF_PROVIDERS / providers.max(1));
        Self { all, kept_back: rest + providers * exchanges.descriptors(), exchanges }
    }

    /// As many connections of clients as there is room for.
    pub(super) fn affordable(&self, wanted: usize) -> usize {
        let affordable = self.all.saturating_sub(self.kept_back).max(LEAST);
        if affordable < wanted {
            tracing::warn!(
                MAX_CONNECTIONS = wanted,
                affordable,
                kept_back = self.kept_back,
                "the limit of open files (ulimit -n) allows fewer connections"
            );
        }
        wanted.min(affordable)
    }
}

/// Raises their number as far as the system lets us, and says how many there are.
fn raise() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.or(limit.current);
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
    let descriptors = getrlimit(Resource::Nofile).current;
    descriptors.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
}

/// What everything but clients and providers may have open at once.
fn of_the_rest(settings: &Settings) -> usize {
    let connections = settings.database_connections + BESIDE_THE_POOL;
    let database = match settings.database.kind() {
        DatabaseKind::Sqlite => connections * FILES_OF_SQLITE,
        DatabaseKind::Postgres => connections,
    };
    let plugins = settings.plugins.services.iter().map(|(_, spec)| spec).chain(&settings.plugins.extensions);
    let traces = settings.traces.as_ref().map_or(0, |_| OF_TRACES);
    let admin = settings.admin_listen.map_or(0, |_| ADMIN_CONNECTIONS);
    OWN + database + plugins.map(of_plugin).sum::<usize>() + traces + admin
}

fn of_plugin(spec: &InstanceSpec) -> usize {
    OF_A_PLUGIN + OF_A_CALL * spec.settings.concurrency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k2_clients_have_what_the_service_does_not_need() {
        let many = Descriptors::of(4096, 3, 150);
        assert_eq!(many.exchanges, ExchangeLimit::MOST);
        assert_eq!(many.affordable(100_000), 4096 - 150 - 3 * ExchangeLimit::MOST.descriptors());
        assert_eq!(many.affordable(100), 100);
    }

    #[test]
    fn k2_where_there_are_few_providers_leave_most_of_them_to_clients() {
        let few = Descriptors::of(512, 3, 150);
        assert!(few.exchanges != ExchangeLimit::MOST && few.affordable(4096) > 512 / 3, "{}", few.kept_back);
        assert_eq!(Descriptors::of(64, 3, 150).affordable(4096), LEAST);
    }
}
