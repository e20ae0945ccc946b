//! The side of the socket that the command has.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use vestibule_plugin_host::printable;

use super::socket::{DONE, RELOAD, connect};
use crate::error::CommandError;
use crate::settings::table::LISTEN;

/// How long a reload may take: every plugin has a minute.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024;

/// Makes the service at this address reload its plugins, and waits for the outcome.
pub(crate) async fn request_reload(listen: SocketAddr) -> Result<(), CommandError> {
    let absent = || {
        CommandError::new(format_args!(
            "no service with {}={listen} runs here, or it belongs to another user",
            LISTEN.name()
        ))
    };
    let mut stream = connect(listen).await.ok_or_else(absent)?;
    stream.write_all(RELOAD).await?;
    let mut said = Vec::new();
    let late = |_| CommandError::new("the service does not answer");
    timeout(RELOAD_TIMEOUT, stream.take(MAX_ANSWER).read_to_end(&mut said)).await.map_err(late)??;
    match said.as_slice() {
        DONE => Ok(()),
        [] => Err(CommandError::new("the service ended")),
        error => {
            let error = printable(&String::from_utf8_lossy(error));
            Err(CommandError::new(format_args!("the plugins stay as they were: {error}")))
        }
    }
}
