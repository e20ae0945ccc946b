//! A network between a program and a server, to be cut in every way that networks have.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on to a server on this machine, in the manner that it is told.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    plan: watch::Sender<Plan>,
    listening: JoinHandle<()>,
}

/// How a network treats its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything arrives.
    Good,
    /// Nothing arrives and nobody is told; what was sent meanwhile arrives when the network is good again.
    BlackHole,
    /// Connections are broken off, new ones as well.
    Reset,
    /// Everything arrives so much later.
    Slow(Duration),
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    target: u16,
    network: Network,
    /// Connections of an earlier generation are lost for good.
    generation: u64,
}

impl Relay {
    /// A good network in front of a port on 127.0.0.1.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let plan = watch::Sender::new(Plan { target, network: Network::Good, generation: 0 });
        let listening = tokio::spawn(listen(listener, plan.clone()));
        Self { port, plan, listening }
    }

    /// The port on 127.0.0.1 that stands for the server's.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of something behind this network, with the relay's port in place of the server's.
    pub fn before(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).expect("an address");
        url.set_port(Some(self.port)).expect("an address with a port");
        url.into()
    }

    /// Changes the network, also for the connections that are open.
    pub fn set(&self, network: Network) {
        self.plan.send_modify(|plan| plan.network = network);
    }

    /// New connections go to another server; those that are open stay where they are.
    pub fn lead_to(&self, target: u16) {
        self.plan.send_modify(|plan| plan.target = target);
    }

    /// Nothing arrives on the connections that are open, ever, and neither end is told; new ones are good. This is what a
    /// firewall does when it forgets.
    pub fn forget_connections(&self) {
        self.plan.send_modify(|plan| plan.generation += 1);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, plan: watch::Sender<Plan>) {
    // Ends with the task, and all connections with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(relay(client, plan.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn relay(client: TcpStream, mut plan: watch::Receiver<Plan>) {
    let generation = plan.borrow().generation;
    // Connecting waits like every other packet.
    if !is_passed_on(&mut plan, generation).await {
        return reset(&client);
    }
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, plan.borrow().target));
    let Ok(server) = TcpStream::connect(target).await else { return reset(&client) };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, plan.clone(), generation) => {}
        () = pump(from_server, to_client, plan, generation) => {}
    }
}

/// Moves bytes in one direction until either end is closed or the network breaks the connection off.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut plan: watch::Receiver<Plan>,
    generation: u64,
) {
    let mut bytes = vec![0; 16 * 1024];
    let mut changes = plan.clone();
    loop {
        let count = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or(0),
            _ = changes.wait_for(|plan| plan.network == Network::Reset) => 0,
        };
        if !is_passed_on(&mut plan, generation).await {
            reset(from.as_ref());
            return reset(to.as_ref());
        }
        if count == 0 {
            return;
        }
        if to.write_all(bytes.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
}

/// Waits until the network takes a packet; whether it does so at all.
async fn is_passed_on(plan: &mut watch::Receiver<Plan>, generation: u64) -> bool {
    let takes = |plan: &Plan| plan.network != Network::BlackHole && plan.generation == generation;
    let Ok(now) = plan.wait_for(|plan| takes(plan) || plan.network == Network::Reset).await.map(|plan| *plan)
    else {
        return false;
    };
    if let Network::Slow(delay) = now.network {
        tokio::time::sleep(delay).await;
    }
    now.network != Network::Reset
}

fn reset(stream: &TcpStream) {
    stream.set_zero_linger().ok();
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// Sends everything back.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        port
    }

    async fn open(relay: &Relay) -> TcpStream {
        TcpStream::connect(("127.0.0.1", relay.port())).await.unwrap()
    }

    /// Whether a byte comes back, and that within a moment.
    async fn answers(stream: &mut TcpStream) -> Option<bool> {
        stream.write_all(b"x").await.ok()?;
        timeout(Duration::from_millis(300), stream.read_u8()).await.ok().map(|read| read.is_ok())
    }

    #[tokio::test]
    async fn each_network_does_what_it_says() {
        let relay = Relay::to(echo().await).await;
        let mut stream = open(&relay).await;
        assert_eq!(answers(&mut stream).await, Some(true));
        relay.set(Network::BlackHole);
        assert_eq!(answers(&mut stream).await, None);
        assert_eq!(answers(&mut open(&relay).await).await, None);
        relay.set(Network::Good);
        assert!(timeout(Duration::from_secs(10), stream.read_u8()).await.unwrap().is_ok(), "late, but there");
        relay.forget_connections();
        assert_eq!(answers(&mut stream).await, None);
        assert_eq!(answers(&mut open(&relay).await).await, Some(true));
        relay.set(Network::Reset);
        assert_ne!(answers(&mut open(&relay).await).await, Some(true));
    }
}
