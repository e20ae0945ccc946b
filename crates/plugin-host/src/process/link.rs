//! One end of the socket between the service and a plugin's process.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg, socketpair,
};

use super::wire::MAX_PACKET;

/// One end of a socket whose packets arrive whole, in order, and end when the other side does.
pub(super) struct Link(OwnedFd);

/// Why no packet was received.
#[derive(Debug)]
pub(super) enum ReceiveError {
    /// The other side has closed its end.
    Closed,
    /// No packet arrived in time.
    TimedOut,
}

impl Link {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Both ends of a new socket; the second is for a child.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    /// Sends a packet, and waits while the other side has too many unread.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        rustix::io::retry_on_intr(|| send(&self.0, packet, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    /// Sends a packet if the other side has room for it.
    pub(super) fn try_send(&self, packet: &[u8]) -> io::Result<()> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::io::retry_on_intr(|| send(&self.0, packet, flags))?;
        Ok(())
    }

    /// Sends a packet with an open file.
    pub(super) fn send_with_file(&self, packet: &[u8], file: BorrowedFd<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file];
        control.push(SendAncillaryMessage::ScmRights(&files));
        sendmsg(&self.0, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for a packet with an open file.
    pub(super) fn receive_with_file(&self) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffer = vec![0; MAX_PACKET];
        let received =
            recvmsg(&self.0, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        buffer.truncate(received.bytes);
        let files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        let file = files.flatten().next();
        Ok((buffer, file))
    }

    /// Waits for a packet and reads it into the buffer; `None` when the other side has ended.
    pub(super) fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        self.receive_as(buffer, RecvFlags::empty())
    }

    /// Reads a packet that is already there, or says that the call would have to wait.
    pub(super) fn try_receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        self.receive_as(buffer, RecvFlags::DONTWAIT)
    }

    fn receive_as<'b>(&self, buffer: &'b mut [u8], flags: RecvFlags) -> io::Result<Option<&'b [u8]>> {
        // With `TRUNC` the length is the packet's own, also when it did not fit.
        let (_, length) =
            match rustix::io::retry_on_intr(|| recv(&self.0, &mut *buffer, flags | RecvFlags::TRUNC)) {
                Ok(received) => received,
                // The other side ended with unread packets before it.
                Err(Errno::CONNRESET) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        if length == 0 {
            return Ok(None);
        }
        let packet = buffer.get(..length).ok_or_else(|| io::Error::other("a packet is too long"))?;
        Ok(Some(packet))
    }

    /// Waits for a packet, but not for ever.
    pub(super) fn receive_until(&self, until: Instant) -> Result<Vec<u8>, ReceiveError> {
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(|_| ReceiveError::TimedOut)?;
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Err(ReceiveError::TimedOut),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(_) => return Err(ReceiveError::Closed),
            }
        }
        match self.try_receive(&mut buffer) {
            Ok(Some(packet)) => Ok(packet.to_vec()),
            Ok(None) | Err(_) => Err(ReceiveError::Closed),
        }
    }

    /// Tells the other side that nothing more will come.
    pub(super) fn end(&self) {
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Write);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl std::os::fd::AsRawFd for Link {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}
