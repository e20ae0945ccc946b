//! Ports for servers that must know theirs before they start.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// A loopback port that nobody listens on, and neither on the one above it: in development mode the program gives that
/// to the provider emulator.
///
/// The range lies below the one that the kernel hands out for outgoing connections, so that a port stays free between
/// a server's end and its next start. Processes begin at different places of it, because they all run at once.
pub fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const PAIRS: u32 = 6_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let pair =
            std::process::id().wrapping_mul(17).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PAIRS;
        let port = u16::try_from(FIRST + 2 * pair).expect("the range fits");
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_not_given_twice() {
        let ports = [free_port(), free_port(), free_port()];
        let servers = ports.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        assert!(servers.iter().all(Result::is_ok));
    }
}
