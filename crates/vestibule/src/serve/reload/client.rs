//! The side of the command.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use vestibule_plugin_host::printable;

use super::socket::connect;
use super::{DONE, RELOAD};
use crate::error::CommandError;

/// How long a reload may take: every plugin has a minute.
const LONGEST: Duration = Duration::from_secs(600);
/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024;

/// Lets the service that listens there reload its plugins, and waits until it has.
pub(crate) async fn ask_for(listen: SocketAddr) -> Result<(), CommandError> {
    let absent = || {
        CommandError::new(format_args!(
            "no service with LISTEN={listen} is to be found here, or it belongs to another user"
        ))
    };
    let mut stream = connect(listen).await.ok_or_else(absent)?;
    stream.write_all(RELOAD).await?;
    let mut said = Vec::new();
    let late = |_| CommandError::new("the service does not answer");
    timeout(LONGEST, stream.take(MAX_ANSWER).read_to_end(&mut said)).await.map_err(late)??;
    match said.as_slice() {
        DONE => Ok(()),
        [] => Err(CommandError::new("the service ended")),
        failure => {
            let failure = printable(&String::from_utf8_lossy(failure));
            Err(CommandError::new(format_args!("the plugins stay as they were: {failure}")))
        }
    }
}
