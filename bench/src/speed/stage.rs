//! Everything that runs while it is measured.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::failure::{Outcome, While};
use crate::process::memory_mebibytes;
use crate::subjects::bare::Bare;
use crate::subjects::database::{Kind, Server};
use crate::subjects::emulator::Provider;
use crate::subjects::original::{KeyPair, Original};
use crate::subjects::people;
use crate::subjects::service::{Plan, Service};

use super::Speed;
use super::series::{Figures, row};

/// How many people are signed in at each service.
pub(super) const PEOPLE: usize = 200;
/// How many users a small database has.
const FEW: u64 = 1_000;

/// One database with its services.
pub(super) struct Trio {
    pub(super) kind: Kind,
    /// As it is by default, with a thousand users.
    pub(super) usual: Service,
    /// Signs at each authorize.
    pub(super) fresh: Service,
    /// Like the usual one, with many users.
    pub(super) crowded: Service,
}

/// All of it. Fields are dropped in this order: whoever uses another goes first.
pub(super) struct Stage {
    pub(super) trios: Vec<Trio>,
    pub(super) bare: BTreeMap<&'static str, Bare>,
    pub(super) original: Option<Original>,
    pub(super) provider: Provider,
    pub(super) server: Option<Server>,
    _directory: TempDir,
}

impl Stage {
    pub(super) async fn set(speed: &Speed) -> Outcome<Self> {
        let directory = tempfile::tempdir().doing("a temporary directory")?;
        let provider = Provider::start(u32::try_from(PEOPLE).unwrap_or_default())?;
        let server = if speed.without_postgres { None } else { Some(Server::start().await?) };
        let mut trios = vec![Trio::set(speed, &provider, None).await?];
        if let Some(server) = &server {
            trios.push(Trio::set(speed, &provider, Some(server)).await?);
        }
        let usual = &trios.first().doing("a service")?.usual;
        let bare = start_bare(usual, &directory).await?;
        let original =
            if speed.without_original { None } else { Some(start_original(speed, usual, &directory).await?) };
        Ok(Self { trios, bare, original, provider, server, _directory: directory })
    }

    /// The most that was resident at each service.
    pub(super) fn read_memory(&self, figures: &mut Figures) {
        for trio in &self.trios {
            let services =
                [("", &trio.usual), (", always signing", &trio.fresh), (", many users", &trio.crowded)];
            for (what, service) in services {
                if let Some(most) = memory_mebibytes(service.process.pid(), "VmHWM") {
                    figures.memory.push((format!("{}{what}", trio.kind.name()), most));
                }
            }
        }
    }
}

impl Trio {
    async fn set(speed: &Speed, provider: &Provider, server: Option<&Server>) -> Outcome<Self> {
        let plan = |name, reuse| Plan { program: &speed.program, provider, server, name, reuse };
        let mut usual = populate(Service::start(&plan("usual", true)).await?, FEW).await?;
        usual.lend(PEOPLE).await?;
        let fresh = populate(Service::start(&plan("fresh", false)).await?, FEW).await?;
        let crowded = populate(Service::start(&plan("crowded", true)).await?, speed.users).await?;
        Ok(Self { kind: usual.kind(), usual, fresh, crowded })
    }
}

/// Signs people in, and fills the database up.
async fn populate(mut service: Service, users: u64) -> Outcome<Service> {
    service.sign_in(PEOPLE).await?;
    let others = users.saturating_sub(u64::try_from(PEOPLE).unwrap_or_default()).max(1);
    println!("{}: {PEOPLE} people signed in, {others} more written", service.kind().name());
    service.database.execute(&people::statements(others, now_micros()?)).await?;
    Ok(service)
}

#[expect(clippy::disallowed_methods, reason = "sessions must lie around the real time")]
fn now_micros() -> Outcome<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).doing("the time")?;
    i64::try_from(now.as_micros()).doing("the time")
}

/// One handler for each answer of the service.
async fn start_bare(usual: &Service, directory: &TempDir) -> Outcome<BTreeMap<&'static str, Bare>> {
    let first = |path: &str| usual.requests(path).into_iter().next().unwrap_or_default();
    let samples = [
        (row::PUBLIC_KEY, usual.request("/auth/public-key")),
        (row::JWKS, usual.request("/.well-known/jwks.json")),
        (row::CHECK, first("/auth/check")),
        (row::REPEATED, first("/auth/authorize?service=storage")),
    ];
    let mut handlers = BTreeMap::new();
    for (place, (row, request)) in samples.into_iter().enumerate() {
        let answer = usual.sample(&request).await?;
        handlers.insert(row, Bare::start(directory.path(), &place.to_string(), &answer)?);
    }
    Ok(handlers)
}

async fn start_original(speed: &Speed, usual: &Service, directory: &TempDir) -> Outcome<Original> {
    let public = usual.sample(&usual.request("/auth/public-key")).await?;
    let public = String::from_utf8_lossy(&public).split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
    let keys = KeyPair { private: usual.private_key()?, public };
    Original::start(&speed.output, directory.path(), &keys).await
}
