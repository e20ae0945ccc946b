//! PostgreSQL: a connection of its own that listens.
//!
//! A server sends notifications in the order of commits, and sends pending ones before it completes a statement. So when a
//! statement that was sent at a moment completes, every change that was committed before that moment has arrived, provided that
//! the session still listens. The statement asks for that.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, SimpleQueryMessage, Socket};

use super::{HEARTBEAT, HEARTBEAT_TIMEOUT, publish, start};
use crate::changes::Changes;
use crate::db::PostgresServer;
use crate::error::StorageError;
use crate::random::random_number;

const CHANNEL: &str = "vestibule_changes";

/// The server drops a listener that is silent: it would keep all notifications for it.
const SET_UP: &str = "LISTEN vestibule_changes; \
    SELECT set_config(name, '10000', false) FROM pg_settings WHERE name IN ('statement_timeout', 'idle_session_timeout')";

/// Answers one row while this session listens to a server that takes writes. A read-only server may have been replaced.
const STILL_LISTENING: &str = "SELECT 1 FROM pg_listening_channels() AS channel WHERE channel = 'vestibule_changes' \
    AND NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'";

/// Publishes changes until that fails.
pub(super) async fn follow(server: &PostgresServer, changes: &Changes) -> Result<Infallible, StorageError> {
    if let Some(tls) = &server.tls {
        let (client, connection) = in_time(server.config().connect(tls.clone())).await?;
        run(client, connection, server, changes).await
    } else {
        let (client, connection) = in_time(server.config().connect(NoTls)).await?;
        run(client, connection, server, changes).await
    }
}

/// Whether a notification arrives here, as it must before changes are published.
pub(super) async fn check_delivery(server: &PostgresServer) -> Result<(), StorageError> {
    if let Some(tls) = &server.tls {
        let (client, connection) = in_time(server.config().connect(tls.clone())).await?;
        try_delivery(client, connection, server).await
    } else {
        let (client, connection) = in_time(server.config().connect(NoTls)).await?;
        try_delivery(client, connection, server).await
    }
}

async fn try_delivery<T: AsyncRead + AsyncWrite + Unpin>(
    client: Client,
    connection: Connection<Socket, T>,
    server: &PostgresServer,
) -> Result<(), StorageError> {
    let (probe, changes) = (DeliveryProbe::new(), Changes::new());
    tokio::select! {
        Err(error) = receive(connection, &changes, &probe) => Err(error),
        outcome = begin(&client, server, &probe) => outcome,
    }
}

async fn run<T: AsyncRead + AsyncWrite + Unpin>(
    client: Client,
    connection: Connection<Socket, T>,
    server: &PostgresServer,
    changes: &Changes,
) -> Result<Infallible, StorageError> {
    let probe = DeliveryProbe::new();
    // One task: a notification is published before the answer behind it is read.
    tokio::select! {
        Err(error) = receive(connection, changes, &probe) => Err(error),
        Err(error) = confirm_regularly(client, server, changes, &probe) => Err(error),
    }
}

async fn receive<T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<Socket, T>,
    changes: &Changes,
    probe: &DeliveryProbe,
) -> Result<Infallible, StorageError> {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notification(notification)) if notification.channel() == CHANNEL => {
                let payload = notification.payload();
                let (kind, id) = payload.split_once(' ').unwrap_or((payload, ""));
                match kind {
                    "trial" => probe.observe(id),
                    _ => publish(changes, kind, id),
                }
            }
            Ok(_) => {}
            Err(error) => return Err(lost(&error)),
        }
    }
    Err(StorageError::unavailable("the connection of the change feed has ended"))
}

/// Listens, and makes sure that notifications arrive.
async fn begin(client: &Client, server: &PostgresServer, probe: &DeliveryProbe) -> Result<(), StorageError> {
    in_time(client.simple_query(SET_UP)).await?;
    probe.verify(server).await
}

async fn confirm_regularly(
    client: Client,
    server: &PostgresServer,
    changes: &Changes,
    probe: &DeliveryProbe,
) -> Result<Infallible, StorageError> {
    begin(&client, server, probe).await?;
    start(changes);
    loop {
        let asked = Instant::now();
        let answer = in_time(client.simple_query(STILL_LISTENING)).await?;
        if !answer.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))) {
            return Err(StorageError::unavailable(
                "the server no longer delivers notifications, or is read-only",
            ));
        }
        changes.confirm(asked);
        sleep_until((asked + HEARTBEAT).into()).await;
    }
}

/// A notification of our own, sent through another connection while the listening one is idle. A pooler in transaction mode
/// does not deliver it.
struct DeliveryProbe {
    word: String,
    heard: Notify,
}

impl DeliveryProbe {
    fn new() -> Self {
        Self { word: random_number().to_string(), heard: Notify::new() }
    }

    fn observe(&self, word: &str) {
        if word == self.word {
            self.heard.notify_one();
        }
    }

    async fn verify(&self, server: &PostgresServer) -> Result<(), StorageError> {
        let word = format!("SELECT pg_notify('{CHANNEL}', 'trial {}')", self.word);
        let probe = async {
            server.execute(&word).await?;
            self.heard.notified().await;
            Ok(())
        };
        let unheard = "no notification arrives; is there a connection pooler in transaction mode?";
        timeout(HEARTBEAT_TIMEOUT, probe).await.map_err(|_| StorageError::unavailable(unheard))?
    }
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StorageError> {
    match timeout(HEARTBEAT_TIMEOUT, answer).await {
        Ok(result) => result.map_err(|error| lost(&error)),
        Err(_) => {
            Err(StorageError::unavailable("the server does not answer on the connection of the change feed"))
        }
    }
}

fn lost(error: &tokio_postgres::Error) -> StorageError {
    // The message of a server or of the network; the statements hold no values.
    StorageError::unavailable(crate::db::reason_of(error))
}
