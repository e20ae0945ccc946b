//! PostgreSQL: a connection of its own that listens.
//!
//! A server sends notifications in the order of commits, and those that are there before it says that a statement is done.
//! So a statement that was sent at a moment and is answered proves that all that was committed before that moment has been
//! heard, provided that the session still listens: which is what the statement asks.

use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{sleep_until, timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, SimpleQueryMessage, Socket};

use super::{HEARTBEAT, HEARTBEAT_TIMEOUT, begin, read_change};
use crate::changes::Changes;
use crate::db::PostgresServer;
use crate::error::StorageError;

const CHANNEL: &str = "vestibule_changes";

/// The server lets go of a listener that has gone without a word: it would keep all that it has not read.
const SET_UP: &str = "LISTEN vestibule_changes; \
    SELECT set_config(name, '10000', false) FROM pg_settings WHERE name IN ('statement_timeout', 'idle_session_timeout')";

/// Answers one row while this session listens to a server that takes writes. One that does not may have been replaced.
const STILL_LISTENING: &str = "SELECT 1 FROM pg_listening_channels() AS channel WHERE channel = 'vestibule_changes' \
    AND NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'";

/// Follows the changes until that fails.
pub(super) async fn follow(server: &PostgresServer, changes: &Changes) -> Result<Infallible, StorageError> {
    if let Some(tls) = &server.tls {
        let (client, connection) = in_time(server.config().connect(tls.clone())).await?;
        run(client, connection, server, changes).await
    } else {
        let (client, connection) = in_time(server.config().connect(NoTls)).await?;
        run(client, connection, server, changes).await
    }
}

async fn run<T: AsyncRead + AsyncWrite + Unpin>(
    client: Client,
    connection: Connection<Socket, T>,
    server: &PostgresServer,
    changes: &Changes,
) -> Result<Infallible, StorageError> {
    let probe = DeliveryProbe::new();
    // One task: what arrives is told before the answer behind it is seen.
    tokio::select! {
        Err(error) = hear(connection, changes, &probe) => Err(error),
        Err(error) = confirm(client, server, changes, &probe) => Err(error),
    }
}

async fn hear<T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<Socket, T>,
    changes: &Changes,
    probe: &DeliveryProbe,
) -> Result<Infallible, StorageError> {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notification(told)) if told.channel() == CHANNEL => {
                let (kind, id) = told.payload().split_once(' ').unwrap_or((told.payload(), ""));
                match kind {
                    "trial" => probe.heard(id),
                    _ => changes.publish(&read_change(kind, id)),
                }
            }
            Ok(_) => {}
            Err(error) => return Err(lost(&error)),
        }
    }
    Err(StorageError::unavailable("the connection that listens has ended"))
}

async fn confirm(
    client: Client,
    server: &PostgresServer,
    changes: &Changes,
    probe: &DeliveryProbe,
) -> Result<Infallible, StorageError> {
    in_time(client.simple_query(SET_UP)).await?;
    probe.verify(server).await?;
    begin(changes);
    loop {
        let asked = Instant::now();
        let answer = in_time(client.simple_query(STILL_LISTENING)).await?;
        if !answer.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))) {
            return Err(StorageError::unavailable("the server does not listen any more, or takes no writes"));
        }
        changes.confirm(asked);
        sleep_until((asked + HEARTBEAT).into()).await;
    }
}

/// A word of our own, sent on another connection while the one that listens is idle: what shares connections out by
/// transaction, as some poolers do, does not deliver it.
struct DeliveryProbe {
    word: String,
    heard: Notify,
}

impl DeliveryProbe {
    fn new() -> Self {
        Self { word: RandomState::new().build_hasher().finish().to_string(), heard: Notify::new() }
    }

    fn heard(&self, word: &str) {
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
        let unheard =
            "no notification arrives; is there a pooler that shares connections out by transaction?";
        timeout(HEARTBEAT_TIMEOUT, probe).await.map_err(|_| StorageError::unavailable(unheard))?
    }
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StorageError> {
    match timeout(HEARTBEAT_TIMEOUT, answer).await {
        Ok(result) => result.map_err(|error| lost(&error)),
        Err(_) => Err(StorageError::unavailable("the server does not answer the connection that listens")),
    }
}

fn lost(error: &tokio_postgres::Error) -> StorageError {
    // The message of a server or of the network; the statements hold no values.
    StorageError::unavailable(crate::db::reason_of(error))
}
