//! PostgreSQL: its connections and their settings.

mod hosts;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as OpenError, RecyclingMethod,
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Config, NoTls};

use self::hosts::{CONNECT_TIMEOUT, Hosts};
use super::tls::Tls;
use crate::error::StorageError;
use crate::url::PostgresTarget;

pub(crate) type Connection = AsyncPgConnection;

const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts while the server has no connection left.
const FULL_SERVER_PAUSE: Duration = Duration::from_millis(100);

/// The server's limit ends a little before ours: its error distinguishes a slow statement from a silent server. And it releases
/// the locks of a client that has gone without closing the connection.
const SESSION_SETTINGS: &str =
    "SET statement_timeout = 2000; SET idle_in_transaction_session_timeout = 5000;";

/// Where connections are made to, and how. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    hosts: Arc<Hosts>,
    pub(crate) tls: Option<Tls>,
}

/// Why there is no connection, with the cause: an address or an account name, never a password.
enum ConnectError {
    /// The server answered with this error.
    Rejected(String),
    /// No answer.
    Unreachable(String),
}

impl Server {
    pub(super) fn new(target: &PostgresTarget) -> Result<Self, StorageError> {
        Ok(Self { hosts: Arc::new(Hosts::new(&settings(&target.config))), tls: Tls::new(target)? })
    }

    /// The configuration of the server that was used last.
    pub(crate) fn config(&self) -> &Config {
        self.hosts.preferred()
    }

    /// Runs statements on a new connection, and closes it.
    pub(crate) async fn execute(&self, statements: &str) -> Result<(), StorageError> {
        Ok(self.connect().await?.batch_execute(statements).await?)
    }

    /// Whether the server answers a new client at all, even with an error.
    pub(super) async fn answers(&self) -> bool {
        !matches!(self.reach().await, Err(ConnectError::Unreachable(_)))
    }

    async fn connect(&self) -> ConnectionResult<Connection> {
        self.reach().await.map_err(|(ConnectError::Rejected(reason) | ConnectError::Unreachable(reason))| {
            ConnectionError::BadConnection(reason)
        })
    }

    /// Connects to the first server that accepts.
    async fn reach(&self) -> Result<Connection, ConnectError> {
        let mut failure = ConnectError::Unreachable("no server is named".to_owned());
        for (index, config) in self.hosts.in_order() {
            match timeout(self.hosts.share(), self.connect_to(config)).await {
                Ok(Ok(connection)) => {
                    self.hosts.prefer(index);
                    return Ok(connection);
                }
                Ok(Err(reason)) => failure = reason,
                Err(_) => failure = ConnectError::Unreachable("no answer in time".to_owned()),
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, config: &Config) -> Result<Connection, ConnectError> {
        let mut connection = if let Some(tls) = self.tls.clone() {
            let (client, connection) = config.connect(tls).await?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        };
        connection
            .batch_execute(SESSION_SETTINGS)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

pub(super) fn pool(server: &Server, size: usize) -> Result<Pool<Connection>, StorageError> {
    let server = server.clone();
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(move |_| {
        let server = server.clone();
        Box::pin(async move { server.connect().await })
    });
    // A closed connection is noticed without a query; one that is dead without a sign is found by the time limit.
    config.recycling_method = RecyclingMethod::Fast;
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .build()
        .map_err(|error| StorageError::open(error.to_string()))
}

/// Gets a connection. When the server has no connection left, waits for one of ours to become free.
pub(super) async fn get(pool: &Pool<Connection>) -> Result<Object<Connection>, PoolError> {
    loop {
        match pool.get().await {
            Err(PoolError::Backend(OpenError::ConnectionError(ConnectionError::BadConnection(reason))))
                if is_out_of_connections(&reason) =>
            {
                sleep(FULL_SERVER_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_out_of_connections(reason: &str) -> bool {
    ["too many clients", "too many connections", "connection slots are reserved"]
        .iter()
        .any(|words| reason.contains(words))
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

impl From<tokio_postgres::Error> for ConnectError {
    fn from(error: tokio_postgres::Error) -> Self {
        let reason = reason_of(&error);
        if error.as_db_error().is_some() { Self::Rejected(reason) } else { Self::Unreachable(reason) }
    }
}

impl From<ConnectionError> for ConnectError {
    fn from(error: ConnectionError) -> Self {
        Self::Unreachable(StorageError::from(error).to_string())
    }
}

/// What went wrong and, where it is known, why.
pub(crate) fn reason_of(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
