//! The socket between `vestibule plugin reload` and the service. It has a name but no file (unix(7), abstract sockets), so it needs no
//! folder that both can write.
//!
//! Every user of the machine can take any such name. So each service takes a name that cannot be predicted, and the command finds it in
//! the kernel's list (`/proc/net`). It skips the sockets of other users, whatever their names. The kernel tells either side whom a
//! socket belongs to (`SO_PEERCRED`).

use std::fs;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{UnixListener, UnixStream};
use vestibule_domain::{SecureRandom, SystemRandom};

/// What the command asks for.
pub(super) const RELOAD: &[u8] = b"reload\n";
/// What the service answers when it is done; any other answer is an error.
pub(super) const DONE: &[u8] = b"done\n";
/// The flags in `/proc/net/unix` of a listening socket (`__SO_ACCEPTCON`).
const LISTENS: &str = "00010000";
/// The state in `/proc/net/tcp` of a listening socket (`TCP_LISTEN`).
const LISTENS_TCP: &str = "0A";

pub(super) fn listen(address: SocketAddr) -> std::io::Result<UnixListener> {
    let randomness: &dyn SecureRandom = &SystemRandom;
    let suffix = u64::from_ne_bytes(randomness.bytes());
    UnixListener::bind(format!("\0{}{suffix:016x}", name_prefix(address)))
}

/// A connection to the service that listens there.
pub(super) async fn connect(address: SocketAddr) -> Option<UnixStream> {
    let owner = expected_owner(address)?;
    let known = fs::read("/proc/net/unix").unwrap_or_default();
    for name in candidate_names(&String::from_utf8_lossy(&known), address) {
        // A socket that does not accept at once is busy on purpose, or gone.
        if let Ok(stream) = UnixStream::connect(format!("\0{name}")).await
            && peer_of(&stream) == Some(owner)
        {
            return Some(stream);
        }
    }
    None
}

/// The user whose service it must be: our own; for root, who may ask any, the one who listens at the address.
fn expected_owner(address: SocketAddr) -> Option<u32> {
    match our_user() {
        0 => {
            let table = if address.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
            find_listener(&fs::read_to_string(table).ok()?, address)
        }
        user => Some(user),
    }
}

pub(super) fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub(super) fn peer_of(stream: &UnixStream) -> Option<u32> {
    stream.peer_cred().ok().map(|peer| peer.uid())
}

fn name_prefix(address: SocketAddr) -> String {
    format!("vestibule/{address}/")
}

/// The names of all sockets that may be this service's.
fn candidate_names(table: &str, address: SocketAddr) -> Vec<String> {
    let start = format!("@{}", name_prefix(address));
    let name = |line: &str| {
        let mut fields = line.split_whitespace();
        let (flags, name) = (fields.nth(3)?, fields.nth(3)?);
        (flags == LISTENS && name.starts_with(&start)).then(|| name.trim_start_matches('@').to_owned())
    };
    table.lines().filter_map(name).collect()
}

/// The user whose process listens at the address.
fn find_listener(table: &str, address: SocketAddr) -> Option<u32> {
    let wanted = kernel_notation(address);
    let owner = |line: &str| {
        let mut fields = line.split_whitespace();
        let (local, state, owner) = (fields.nth(1)?, fields.nth(1)?, fields.nth(3)?);
        (local == wanted && state == LISTENS_TCP).then(|| owner.parse().ok())?
    };
    table.lines().find_map(owner)
}

/// An address as the kernel writes it: each four bytes as a number in the byte order of the processor.
fn kernel_notation(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let (words, _) = bytes.as_chunks::<4>();
    let words: Vec<_> = words.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect();
    format!("{}:{:04X}", words.concat(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_address_among_all_sockets() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 22222 @vestibule/127.0.0.1:8000/00ff
0000000000000000: 00000003 00000000 00000000 0001 03 22223 @vestibule/127.0.0.1:8000/00ee
0000000000000000: 00000002 00000000 00010000 0001 01 22224 @vestibule/127.0.0.1:80001/00dd
0000000000000000: 00000002 00000000 00010000 0001 01 22225 /tmp/@vestibule/127.0.0.1:8000/
0000000000000000: 00000003 00000000 00000000 0001 03 22226
";
        assert_eq!(
            candidate_names(table, "127.0.0.1:8000".parse().unwrap()),
            ["vestibule/127.0.0.1:8000/00ff"]
        );
    }

    #[test]
    fn whose_service_listens_there_is_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 0100007F:A3C2 01 00000000:00000000 00:00000000 00000000    12        0 25275 1 0 100 0 0 10 0
   1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 25276 1 0 100 0 0 10 0
   2: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 25277 1 0 100 0 0 10 0
";
        let owner = |address: &str| find_listener(table, address.parse().unwrap());
        assert_eq!((owner("127.0.0.1:8000"), owner("127.0.0.1:8001")), (Some(101), Some(102)));
        assert_eq!(owner("127.0.0.1:8002"), None);
        assert_eq!(kernel_notation("[::1]:8000".parse().unwrap()), "00000000000000000000000001000000:1F40");
    }

    #[tokio::test]
    async fn a_listener_has_a_name_that_is_found_and_not_known_before() {
        let address = "127.0.0.1:1".parse().unwrap();
        let (one, other) = (listen(address).unwrap(), listen(address).unwrap());
        let name = |listener: &UnixListener| {
            let name = listener.local_addr().unwrap();
            String::from_utf8(name.as_abstract_name().unwrap().to_vec()).unwrap()
        };
        let found = candidate_names(&fs::read_to_string("/proc/net/unix").unwrap(), address);
        assert!(found.contains(&name(&one)) && found.contains(&name(&other)), "{found:?}");
        assert_ne!(name(&one), name(&other));
    }
}
