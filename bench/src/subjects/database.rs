//! The databases: a file, or a server that writes to the disk like one in earnest.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tokio_postgres::{NoTls, SimpleQueryMessage};
use url::Url;

use crate::failure::{Outcome, While};
use crate::process::{Process, command, run};

use super::{package, start_and_read_line};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A file of the program's own.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A PostgreSQL server, gone with all its files when this is dropped.
pub(crate) struct Server {
    _script: Process,
    url: Url,
    /// The server's first process.
    pub(crate) pid: u32,
}

impl Server {
    /// Starts one that waits for the disk, unlike those of the tests.
    pub(crate) async fn start() -> Outcome<Self> {
        // Not ended by the kernel when we are: it ends when its input does, and only then can it stop the server.
        let mut script = Command::new(package().join("../scripts/with-postgres.sh"));
        script.args(["sh", "-c", "echo \"$TEST_POSTGRES_URL\"; exec cat"]);
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let (process, line) = start_and_read_line(script)?;
        let url = Url::parse(&line).doing("its address")?;
        for statement in [
            "ALTER SYSTEM SET fsync = on",
            "ALTER SYSTEM SET full_page_writes = on",
            "SELECT pg_reload_conf()",
        ] {
            query(url.as_str(), statement).await?;
        }
        let folder = query(url.as_str(), "SHOW data_directory").await?.doing("a folder")?;
        let lock = fs::read_to_string(Path::new(&folder).join("postmaster.pid")).doing("the server's pid")?;
        let pid = lock.lines().next().and_then(|line| line.parse().ok()).doing("the server's pid")?;
        Ok(Self { _script: process, url, pid })
    }

    /// Makes an empty database.
    pub(crate) async fn create(&self, name: &str) -> Outcome<Database> {
        query(self.url.as_str(), &format!("CREATE DATABASE {name}")).await?;
        let mut url = self.url.clone();
        url.set_path(name);
        Ok(Database { kind: Kind::Postgres, url: url.into() })
    }
}

/// One database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) url: String,
}

impl Database {
    /// A file in this folder.
    pub(crate) fn file(directory: &Path) -> Self {
        let url = format!("sqlite://{}", directory.join("vestibule.db").display());
        Self { kind: Kind::Sqlite, url }
    }

    /// Runs statements past the program, for rows that nobody could sign in for one by one.
    pub(crate) async fn execute(&self, statements: &[String]) -> Outcome<()> {
        match self.kind {
            Kind::Sqlite => self.execute_in_file(statements),
            Kind::Postgres => {
                for statement in statements {
                    query(&self.url, statement).await?;
                }
                Ok(())
            }
        }
    }

    /// Bytes on the disk, the log of a file included.
    pub(crate) async fn size(&self) -> Outcome<u64> {
        if let Some(path) = self.path() {
            let parts = ["", "-wal"].map(|end| fs::metadata(format!("{path}{end}")));
            return Ok(parts.into_iter().flatten().map(|part| part.len()).sum());
        }
        let size = query(&self.url, "SELECT pg_database_size(current_database())").await?;
        size.and_then(|text| text.parse().ok()).doing("a size")
    }

    fn path(&self) -> Option<&str> {
        self.url.strip_prefix("sqlite://")
    }

    /// Python has SQLite with it, which a machine need not have.
    fn execute_in_file(&self, statements: &[String]) -> Outcome<()> {
        let program = "import sqlite3, sys\n\
                       connection = sqlite3.connect(sys.argv[1], timeout=60)\n\
                       connection.execute('PRAGMA synchronous = OFF')\n\
                       connection.execute('PRAGMA cache_size = -400000')\n\
                       for statement in sys.argv[2:]:\n    connection.execute(statement)\n\
                       connection.commit()\n";
        let path = self.path().unwrap_or_default();
        run(command("/usr/bin/env").args(["python3", "-c", program, path]).args(statements)).map(drop)
    }
}

/// The first column of the first row.
async fn query(url: &str, statement: &str) -> Outcome<Option<String>> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.doing("PostgreSQL")?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statement).await.doing(statement)?;
    drop(client);
    connection.await.doing("PostgreSQL")?.doing("PostgreSQL")?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
        _ => None,
    });
    Ok(rows.into_iter().next().flatten())
}
