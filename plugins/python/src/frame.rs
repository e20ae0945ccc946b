//! Messages over a socket, each with its length before it, all within a time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The longest message either way; `bridge.py` has the same number.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// No kernel counts finer, and a timeout of nothing would mean none.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Why a message did not get across. After any of these the socket is of no more use.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    #[error("the time is over")]
    Late,
    #[error("the other side has hung up")]
    Gone,
    #[error("the message is not understood")]
    Rubbish,
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Late,
            _ => Self::Gone,
        }
    }
}

/// A message with its length before it; `None` when it is too long.
pub(crate) fn encode(message: &impl Serialize) -> Option<Vec<u8>> {
    let body = serde_json::to_vec(message).ok().filter(|body| body.len() <= MAX_BYTES)?;
    Some(with_length(&body))
}

/// What need not be JSON, with its length before it.
pub(crate) fn with_length(body: &[u8]) -> Vec<u8> {
    // Nothing that is sent comes near 4 GiB.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body].concat()
}

/// Sends what the functions above have made.
pub(crate) fn send(mut stream: &UnixStream, mut frame: &[u8], until: Instant) -> Result<(), FrameError> {
    while !frame.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        match stream.write(frame) {
            Ok(written) => frame = frame.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits for one message.
pub(crate) fn receive<T: DeserializeOwned>(stream: &UnixStream, until: Instant) -> Result<T, FrameError> {
    let mut length = [0; 4];
    read(stream, &mut length, until)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_BYTES {
        return Err(FrameError::Rubbish);
    }
    let mut body = vec![0; length];
    read(stream, &mut body, until)?;
    serde_json::from_slice(&body).map_err(|_| FrameError::Rubbish)
}

fn read(mut stream: &UnixStream, mut buffer: &mut [u8], until: Instant) -> Result<(), FrameError> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(FrameError::Gone),
            Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn left(until: Instant) -> Result<Duration, FrameError> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(FrameError::Late) } else { Ok(left.max(SHORTEST_WAIT)) }
}
