//! `vestibule healthcheck`: asks `/healthz` on this machine. The answer says whether the process is alive, not whether its database
//! is: a restart would not bring a database back.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::CommandError;
use crate::settings::{Settings, Sources};

const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn healthcheck(sources: &Sources) -> Result<(), CommandError> {
    let address = reachable(Settings::read_listen(sources)?);
    let status = ask(address).map_err(|error| CommandError::new(format_args!("{address}: {error}")))?;
    if status.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(CommandError::new(format_args!("{address}: {status}")))
    }
}

/// A service that listens everywhere is asked on loopback.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The first line of the answer.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
