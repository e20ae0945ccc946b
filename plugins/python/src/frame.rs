//! Messages over a socket, each with its length before it, all within a time.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send as send_some};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The longest message either way; `bridge.py` has the same number.
pub(crate) const MAX_BYTES: usize = 1 << 20;
const LENGTH_BYTES: usize = size_of::<u32>();
/// What is read at once: more than almost every answer has.
const AT_ONCE: usize = 8 * 1024;

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
pub(crate) fn send(stream: &UnixStream, mut frame: &[u8], until: Instant) -> Result<(), FrameError> {
    while !frame.is_empty() {
        match send_some(stream, frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) => frame = frame.get(sent..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait(stream, PollFlags::OUT, until)?,
            Err(Errno::INTR) => {}
            Err(_) => return Err(FrameError::Gone),
        }
    }
    Ok(())
}

/// Waits for one message, after which nothing else may have come.
pub(crate) fn receive<T: DeserializeOwned>(stream: &UnixStream, until: Instant) -> Result<T, FrameError> {
    let mut received = Vec::new();
    loop {
        receive_more(stream, &mut received, until)?;
        if let Some(body) = complete(&received)? {
            return serde_json::from_slice(body).map_err(|_| FrameError::Rubbish);
        }
    }
}

fn receive_more(stream: &UnixStream, received: &mut Vec<u8>, until: Instant) -> Result<(), FrameError> {
    let mut buffer = [0; AT_ONCE];
    loop {
        wait(stream, PollFlags::IN, until)?;
        match recv(stream, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(FrameError::Gone),
            Ok((count, _)) => {
                received.extend(buffer.iter().take(count));
                return Ok(());
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return Err(FrameError::Gone),
        }
    }
}

/// The body of the message, once all of it is there.
pub(crate) fn complete(received: &[u8]) -> Result<Option<&[u8]>, FrameError> {
    let Some((length, body)) = received.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > MAX_BYTES || body.len() > length {
        return Err(FrameError::Rubbish);
    }
    Ok((body.len() == length).then_some(body))
}

/// Waits until the socket is ready for this, or says that the time is over.
pub(crate) fn wait(stream: &UnixStream, what: PollFlags, until: Instant) -> Result<(), FrameError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::new(stream, what)], Some(&timespec(left))) {
            Ok(0) if left.is_zero() => return Err(FrameError::Late),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(_) => return Err(FrameError::Gone),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec: seconds, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::thread;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_message_of_any_length_gets_across() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for length in [0, 1, AT_ONCE - LENGTH_BYTES, AT_ONCE, MAX_BYTES - 2] {
            let text = "x".repeat(length);
            let frame = encode(&text).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| send(&ours, &frame, soon()).unwrap());
                assert_eq!(receive::<String>(&theirs, soon()).unwrap(), text);
            });
        }
        assert!(encode(&"x".repeat(MAX_BYTES - 1)).is_none(), "with its quotes it is too long");
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for (bytes, expected) in [
            (&b"\0\0\0\x02{]"[..], "not understood"),
            (b"\0\0\0\x02{}}", "not understood"),
            (b"\xff\0\0\0", "not understood"),
            (b"\0\0\0\x03{}", "hung up"),
            (b"", "hung up"),
        ] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(bytes).unwrap();
            drop(theirs);
            let error = receive::<serde_json::Value>(&ours, soon()).unwrap_err().to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn time_ends_also_in_the_middle_of_a_message() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"\0\0\0\x02{").unwrap();
        let until = Instant::now() + Duration::from_millis(20);
        assert!(matches!(receive::<serde_json::Value>(&ours, until), Err(FrameError::Late)));
        let frame = with_length(&vec![0; MAX_BYTES]);
        assert!(matches!(send(&ours, &frame, until), Err(FrameError::Late)), "nobody reads it");
        drop(theirs);
        assert!(matches!(send(&ours, &frame, soon()), Err(FrameError::Gone)));
    }
}
