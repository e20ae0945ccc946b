//! Our own program.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use crate::client::{Answer, Connection};
use crate::failure::{Failure, Outcome, While};
use crate::process::{Process, command, run};
use crate::request;

use super::database::{Database, Kind, Server};
use super::emulator::{self, Provider};
use super::{free_address, wait_until_it_answers};

/// How often one address and one account may ask.
const LIMITS: [&str; 8] = [
    "RATE_LIMIT_SIGN_IN_PER_ADDRESS",
    "RATE_LIMIT_SIGN_IN_PER_ACCOUNT",
    "RATE_LIMIT_UPDATE_PER_ADDRESS",
    "RATE_LIMIT_UPDATE_PER_ACCOUNT",
    "RATE_LIMIT_AUTHORIZE_PER_ADDRESS",
    "RATE_LIMIT_AUTHORIZE_PER_ACCOUNT",
    "RATE_LIMIT_LOOKUP_PER_ADDRESS",
    "RATE_LIMIT_TOKEN_PER_CREDENTIAL",
];
const NO_LIMIT: &str = "1000000/1s";

/// A running service with people who are signed in.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    /// One of each signed-in person.
    pub(crate) tokens: Vec<String>,
    /// What these people have besides.
    pub(crate) lent: Vec<Lent>,
    provider: SocketAddr,
    directory: TempDir,
}

/// What a person has who signed in at the service itself as well.
pub(crate) struct Lent {
    /// The cookie of the person's browser, as `name=value`.
    pub(crate) cookie: String,
    /// A personal token for every service.
    pub(crate) personal: String,
}

/// How a service is to be started.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a Path,
    pub(crate) provider: &'a Provider,
    /// Where its database is; a file of its own when there is no server.
    pub(crate) server: Option<&'a Server>,
    /// Tells apart the databases of one server.
    pub(crate) name: &'a str,
    pub(crate) reuse: bool,
}

impl Service {
    /// Makes a key, brings the database up to date and serves.
    pub(crate) async fn start(plan: &Plan<'_>) -> Outcome<Self> {
        let directory = tempfile::tempdir().doing("a temporary directory")?;
        let database = match plan.server {
            Some(server) => server.create(plan.name).await?,
            None => Database::file(directory.path()),
        };
        let address = free_address()?;
        let configured = |arguments: &[&str]| {
            let mut command = command(plan.program);
            configure(command.args(arguments), plan, &database, directory.path(), address);
            command
        };
        for arguments in [["keys", "generate"].as_slice(), &["migrate"], &["config", "check"]] {
            run(&mut configured(arguments))?;
        }
        let mut process = Process::start(&mut configured(&["serve"]))?;
        wait_until_it_answers(&mut process, address, "/readyz").await?;
        let provider = plan.provider.address;
        Ok(Self { process, address, database, tokens: Vec::new(), lent: Vec::new(), provider, directory })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.database.kind
    }

    /// Signs in so many people, whose tokens are kept.
    pub(crate) async fn sign_in(&mut self, people: usize) -> Outcome<()> {
        let callbacks = self.prepare_callbacks("google", people, people).await?;
        let mut connection = Connection::new(self.address);
        for callback in callbacks {
            let answer = connection.send(&callback).await.doing("a callback")?;
            self.tokens.push(token_in(&connection, answer)?);
        }
        Ok(())
    }

    /// Signs in so many people at the service itself, where each makes a token.
    pub(crate) async fn lend(&mut self, people: usize) -> Outcome<()> {
        let mut traveller = self.traveller();
        for person in 0..people {
            self.lent.push(traveller.lend("google", person).await?);
        }
        Ok(())
    }

    /// Goes so many times up to the callback, as so many people in turn; the requests that finish these sign-ins.
    pub(crate) async fn prepare_callbacks(
        &self,
        provider: &str,
        count: usize,
        people: usize,
    ) -> Outcome<Vec<Vec<u8>>> {
        let mut traveller = self.traveller();
        let mut callbacks = Vec::with_capacity(count);
        for number in 0..count {
            callbacks.push(traveller.reach_callback(provider, number % people.max(1)).await?);
        }
        Ok(callbacks)
    }

    /// Somebody who signs in.
    pub(crate) fn traveller(&self) -> Traveller {
        let connections = [self.address, self.provider].map(Connection::new);
        let [service, provider] = connections;
        Traveller { service, provider, addresses: [self.address, self.provider], last_status: None }
    }

    /// One request for each signed-in person.
    pub(crate) fn requests(&self, path: &str) -> Vec<Vec<u8>> {
        let tokens = self.tokens.iter();
        tokens.map(|token| request::get(self.address, path, &[("Auth-Token", token)])).collect()
    }

    /// The same with the session cookie, as pages of the service itself ask.
    pub(crate) fn cookie_requests(&self, path: &str) -> Vec<Vec<u8>> {
        let path = format!("{path}?session=cookie");
        let request = |lent: &Lent| {
            let headers = [("Cookie", lent.cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
            request::get(self.address, &path, &headers)
        };
        self.lent.iter().map(request).collect()
    }

    /// The same with a personal token of each.
    pub(crate) fn personal_requests(&self, path: &str) -> Vec<Vec<u8>> {
        let bearer =
            |text: &str| request::get(self.address, path, &[("Authorization", &format!("Bearer {text}"))]);
        self.lent.iter().map(|lent| bearer(&lent.personal)).collect()
    }

    /// Requests with what looks like tokens and is none.
    pub(crate) fn garbage_requests(&self, path: &str, count: usize) -> Vec<Vec<u8>> {
        let request = |number: usize| {
            request::get(self.address, path, &[("Authorization", &format!("Bearer vstp_{number:038}"))])
        };
        (0..count).map(request).collect()
    }

    /// A request without a token.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        request::get(self.address, path, &[])
    }

    /// What an answer looks like as it comes over the wire.
    pub(crate) async fn sample(&self, request: &[u8]) -> Outcome<Vec<u8>> {
        let mut connection = Connection::new(self.address);
        let answer = connection.send(request).await.doing("a sample")?;
        Ok([connection.head(answer), connection.body(answer)].concat())
    }

    /// The private key, as PEM.
    pub(crate) fn private_key(&self) -> Outcome<String> {
        let files = fs::read_dir(self.directory.path().join("keys")).doing("the keys")?.flatten();
        let pem = files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "pem"));
        fs::read_to_string(pem.doing("a key")?).doing("a key")
    }
}

fn configure(command: &mut Command, plan: &Plan<'_>, database: &Database, place: &Path, address: SocketAddr) {
    let keys: PathBuf = place.join("keys");
    command.current_dir(place).env_clear();
    command.env("LISTEN", address.to_string()).env("EXTERNAL_ADDRESS", format!("http://{address}"));
    command.env("DATABASE_URL", &database.url).env("KEYS_DIR", keys);
    command.env("ALLOWED_SERVICES", "storage:sample-permissions");
    command.env("PERMISSION_TOKEN_REUSE", if plan.reuse { "on" } else { "off" });
    // One machine plays everybody here, which the limits are there to refuse. They count all the same.
    command.envs(LIMITS.map(|name| (name, NO_LIMIT)));
    command.envs(plan.provider.settings());
}

/// The two ends of a sign-in, over connections that stay open.
pub(crate) struct Traveller {
    service: Connection,
    provider: Connection,
    addresses: [SocketAddr; 2],
    last_status: Option<u16>,
}

impl Traveller {
    /// Starts a sign-in, consents at the provider, and stops before the callback; the request for it.
    pub(crate) async fn reach_callback(&mut self, provider: &str, person: usize) -> Outcome<Vec<u8>> {
        self.reach_callback_by(&format!("/auth/login/{provider}"), person).await
    }

    async fn reach_callback_by(&mut self, login: &str, person: usize) -> Outcome<Vec<u8>> {
        let [service, emulator] = self.addresses;
        let login = request::get(service, login, &[]);
        let answer = self.ask_service(&login).await?;
        let cookie = self.service.header(answer, "set-cookie").doing("a cookie")?;
        let cookie = cookie.split(';').next().unwrap_or_default();
        let mut consent = location(&self.service, answer)?;
        consent.query_pairs_mut().append_pair("persona", &emulator::persona(person));
        let consent = request::get(emulator, path_of(&consent), &[]);
        let answer = self.provider.send(&consent).await.doing("a consent")?;
        let callback = location(&self.provider, answer)?;
        Ok(request::get(service, path_of(&callback), &[("Cookie", cookie)]))
    }

    /// The whole way to a page of the service itself, where the person makes a token.
    async fn lend(&mut self, provider: &str, person: usize) -> Outcome<Lent> {
        let [service, _] = self.addresses;
        let login = format!("/auth/login/{provider}?next=%2Faccount");
        let callback = self.reach_callback_by(&login, person).await?;
        let answer = self.ask_service(&callback).await?;
        let cookie = self.service.header(answer, "set-cookie").doing("a session cookie")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
        let asked = r#"{"name":"bench","services":["*"],"scopes":["profile","email","permissions"]}"#;
        let request = request::post_json(service, "/auth/tokens", &headers, asked);
        let answer = self.ask_service(&request).await?;
        let made: Value = serde_json::from_slice(self.service.body(answer)).doing("a token")?;
        let personal = made.get("token").and_then(Value::as_str).doing("the text of a token")?.to_owned();
        Ok(Lent { cookie, personal })
    }

    /// The whole way; the user token.
    pub(crate) async fn sign_in(&mut self, provider: &str, person: usize) -> Outcome<String> {
        let callback = self.reach_callback(provider, person).await?;
        let answer = self.ask_service(&callback).await?;
        token_in(&self.service, answer)
    }

    /// The status of the service's last answer; none if there was no answer.
    pub(crate) fn last_status(&self) -> Option<u16> {
        self.last_status
    }

    async fn ask_service(&mut self, request: &[u8]) -> Outcome<Answer> {
        self.last_status = None;
        let answer = self.service.send(request).await.doing("the service")?;
        self.last_status = Some(answer.status);
        Ok(answer)
    }
}

fn location(connection: &Connection, answer: Answer) -> Outcome<Url> {
    let location = connection.header(answer, "location");
    let body = || String::from_utf8_lossy(connection.body(answer)).into_owned();
    let location = location.ok_or_else(|| Failure::new(format!("{}: {}", answer.status, body())))?;
    Url::parse(&location).doing("a location")
}

fn token_in(connection: &Connection, answer: Answer) -> Outcome<String> {
    let location = location(connection, answer)?;
    let token = location.query_pairs().find(|(name, _)| name == "jwt").map(|(_, value)| value.into_owned());
    token.ok_or_else(|| Failure::new("a sign-in brought no token"))
}

/// Path and query.
fn path_of(url: &Url) -> &str {
    let text = &url.as_str().get(url.scheme().len() + 3..).unwrap_or_default();
    text.find('/').and_then(|start| text.get(start..)).unwrap_or("/")
}
