//! The PostgreSQL server that tests share, and statements on it.

use std::future::Future;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
use url::Url;

/// A server that takes longer is down or frozen.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of the shared server's maintenance database.
pub(crate) fn shared_server() -> &'static str {
    static SERVER: OnceLock<SharedServer> = OnceLock::new();
    match SERVER.get_or_init(SharedServer::find_or_start) {
        SharedServer::Given(url) | SharedServer::Started { url, .. } => url,
    }
}

enum SharedServer {
    Given(String),
    /// The script behind it waits for its input to end. As statics are never dropped, that is when this process ends,
    /// however it does, and then the script stops the server.
    Started {
        url: String,
        _script: Child,
    },
}

impl SharedServer {
    fn find_or_start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one setting of the tests themselves")]
        let given = std::env::var("TEST_POSTGRES_URL");
        given.map_or_else(|_| Self::start(), Self::Given)
    }

    fn start() -> Self {
        let mut script = Command::new(script("with-postgres.sh"))
            .args(["sh", "-c", "echo \"$TEST_POSTGRES_URL\"; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-postgres.sh can be run");
        let mut url = String::new();
        let output = script.stdout.as_mut().expect("its output is piped");
        BufReader::new(output).read_line(&mut url).expect("readable output");
        assert!(
            !url.is_empty(),
            "PostgreSQL did not start; its own words are above. `make test-needs` installs it"
        );
        Self::Started { url: url.trim_end().to_owned(), _script: script }
    }
}

/// One of the scripts that know how to run a server.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name)
}

/// Makes an empty database with a name that nobody else has, and tells the name.
pub(crate) fn create_database(maintenance_url: &str) -> String {
    let new_name = "SELECT 'test_' || replace(gen_random_uuid()::text, '-', '')";
    let name = query(maintenance_url, new_name).expect("the PostgreSQL server answers").expect("one row");
    query(maintenance_url, &format!("CREATE DATABASE {name}")).expect("a superuser's connection");
    name
}

/// Removes a database, also while connections to it are open. A server that is gone has no database to remove.
pub(crate) fn drop_database(maintenance_url: &str, name: &str) {
    query(maintenance_url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).ok();
}

/// The address of another database on the same server.
pub(crate) fn url_of_database(maintenance_url: &str, name: &str) -> String {
    let mut url = Url::parse(maintenance_url).expect("TEST_POSTGRES_URL is a postgres:// address");
    url.set_path(name);
    url.into()
}

/// Runs one statement; the first column of the first row of its result.
pub(crate) fn query(url: &str, statement: &str) -> Result<Option<String>, String> {
    query_within(QUERY_TIMEOUT, url, statement)
}

/// As [`query`], for statements that have much to do.
pub(crate) fn query_within(patience: Duration, url: &str, statement: &str) -> Result<Option<String>, String> {
    block_on(async {
        let answer = tokio::time::timeout(patience, query_now(url, statement)).await;
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| format!("{error:?}"))
    })
}

async fn query_now(url: &str, statement: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let config: Config = url.parse()?;
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statement).await?;
    drop(client);
    connection.await.expect("the connection's task does not panic")?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(rows.into_iter().next())
}

/// Waits on a thread of its own, because callers may or may not be on a runtime, which cannot be entered twice.
fn block_on<F>(future: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    };
    std::thread::scope(|scope| scope.spawn(wait).join().expect("the statement's thread does not panic"))
}
