//! PostgreSQL: its connections and their settings.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::{Config, NoTls};

use super::tls::Tls;
use crate::error::StorageError;
use crate::url::PostgresTarget;

pub(crate) type Connection = AsyncPgConnection;

/// How long an operation may take as its caller sees it, the wait for a connection included: a server that is stopped,
/// or a network that swallows packets, answers nothing at all.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_millis(2_500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(5);

/// The server gives up when we do, and does not keep locks for a client that it cannot see has gone.
const SESSION_SETTINGS: &str =
    "SET statement_timeout = 2500; SET idle_in_transaction_session_timeout = 5000;";

/// Where connections are made to, and how.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: Arc<Config>,
    pub(crate) tls: Option<Tls>,
}

impl Server {
    pub(super) fn new(target: &PostgresTarget) -> Result<Self, StorageError> {
        Ok(Self { config: Arc::new(settings(&target.config)), tls: Tls::new(target)? })
    }

    /// Runs statements on a connection that is of no further use.
    pub(crate) async fn execute(&self, statements: &str) -> Result<(), StorageError> {
        Ok(establish(self.clone()).await?.batch_execute(statements).await?)
    }
}

pub(super) fn pool(server: &Server, size: usize) -> Result<Pool<Connection>, StorageError> {
    let mut config = ManagerConfig::default();
    let server = server.clone();
    config.custom_setup = Box::new(move |_| Box::pin(establish(server.clone())));
    // A closed connection is noticed without a question; one that is silently dead is found by the time limit.
    config.recycling_method = RecyclingMethod::Fast;
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .build()
        .map_err(|error| StorageError::open(error.to_string()))
}

fn settings(given: &Config) -> Config {
    let mut config = given.clone();
    if config.get_application_name().is_none() {
        config.application_name("vestibule");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT);
    }
    config
}

async fn establish(Server { config, tls }: Server) -> ConnectionResult<Connection> {
    let mut connection = if let Some(tls) = tls {
        let (client, connection) = config.connect(tls).await.map_err(|error| refusal(&error))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await?
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| refusal(&error))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await?
    };
    connection.batch_execute(SESSION_SETTINGS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Why the server was not reached, with the reason behind the reason: an address or an account name, never a password.
fn refusal(error: &tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(reason_of(error))
}

/// What went wrong and, where it is known, why.
pub(crate) fn reason_of(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
