//! The emulator as a whole: started, asked for its addresses, stopped.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use poem::Server;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connection::Acceptor;
use crate::control::Control;
use crate::keys::FirstKeys;
use crate::options::{Client, EmulatorOptions};
use crate::personas::Persona;
use crate::provider::{Issuer, Provider};
use crate::shared::Shared;
use crate::site::Site;

/// A running emulator. It stops when it is dropped; [`Emulator::stop`] also waits for that.
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Dropping it is the signal to stop.
    running: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Emulator {
    /// Listens, makes the issuers' keys and answers from then on.
    pub async fn start(options: EmulatorOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let keys = FirstKeys::of_process(options.keys_dir.as_deref()).await?;
        let base = format!("http://{}", reachable(address));
        let shared = Arc::new(Shared::new(base, options, keys));
        let acceptor = Acceptor::new(listener, address, shared.doomed.clone());
        let (running, stopped) = oneshot::channel::<()>();
        let site = Site(shared.clone());
        let server = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            // No time to finish: a request that hangs on purpose would never.
            let patience = Some(Duration::ZERO);
            Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(site, stopped, patience).await
        });
        Ok(Self { address, shared, running, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The issuers of the stand-ins for Google and GitHub, of an emulator that listens here.
    pub fn issuers_at(address: SocketAddr) -> (String, String) {
        let base = format!("http://{}", reachable(address));
        (format!("{base}/{}", Issuer::Google.segment()), format!("{base}/github"))
    }

    /// The issuer identifier of the stand-in for Google; discovery lies under it.
    pub fn google_issuer(&self) -> String {
        self.shared.issuer_url(Issuer::Google)
    }

    /// The issuer identifier of the company's issuer.
    pub fn corporate_issuer(&self) -> String {
        self.shared.issuer_url(Issuer::Corporate)
    }

    /// What stands for `https://github.com`.
    pub fn github_url(&self) -> String {
        self.shared.github_url()
    }

    /// What stands for `https://api.github.com`.
    pub fn github_api_url(&self) -> String {
        self.shared.github_api_url()
    }

    /// The client that Google knows.
    pub fn google_client(&self) -> &Client {
        self.shared.client(Provider::Google)
    }

    /// The client that the company's issuer knows.
    pub fn corporate_client(&self) -> &Client {
        self.shared.client(Provider::Corporate)
    }

    /// The client that GitHub knows.
    pub fn github_client(&self) -> &Client {
        self.shared.client(Provider::Github)
    }

    /// Everybody who can sign in, in the order of the page.
    pub fn personas(&self) -> Vec<Persona> {
        self.shared.personas.list()
    }

    /// The handle by which tests make providers misbehave and count what was asked of them.
    pub fn control(&self) -> Control {
        Control::new(self.shared.clone())
    }

    /// Closes every connection, also those of requests that hang, and frees the port.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.running);
        self.server.await.map_err(io::Error::other)?
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The address to connect to: one that means every interface is nobody's to call.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}
