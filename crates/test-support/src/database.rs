//! A fresh, empty database for one test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::postgres;

/// A database that nobody else uses, without any table, gone when the value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(TempDir),
    /// Somebody else's file.
    File(PathBuf),
    SharedServer {
        name: String,
    },
    /// Goes when its cluster goes, which may be stopped or frozen by then.
    OwnCluster,
}

impl TestDatabase {
    /// A database file in a directory of its own. The file is not there yet.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite://{}", sqlite_path(&directory).display());
        Self { url, place: Place::Directory(directory) }
    }

    /// A database file that is there already, such as a backup, and stays there.
    pub fn sqlite_at(path: &Path) -> Self {
        Self { url: format!("sqlite://{}", path.display()), place: Place::File(path.to_owned()) }
    }

    /// A database on the PostgreSQL server that all tests share: the one of `TEST_POSTGRES_URL`, or else one that
    /// this process starts when it first needs it.
    pub fn postgres() -> Self {
        let server = postgres::shared_server();
        let name = postgres::create_database(server);
        Self { url: postgres::url_of_database(server, &name), place: Place::SharedServer { name } }
    }

    pub(crate) fn in_cluster(maintenance_url: &str) -> Self {
        let name = postgres::create_database(maintenance_url);
        Self { url: postgres::url_of_database(maintenance_url, &name), place: Place::OwnCluster }
    }

    /// The same database on a server that follows the one it was made on.
    pub(crate) fn at_cluster(maintenance_url: &str, original: &Self) -> Self {
        let name = original.url.rsplit('/').next().expect("a name");
        Self { url: postgres::url_of_database(maintenance_url, name), place: Place::OwnCluster }
    }

    /// What `DATABASE_URL` takes: `sqlite:///a/path` or `postgres://user@127.0.0.1:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs one statement in a PostgreSQL database, past the program; the first column of the first row of its result.
    pub fn query(&self, statement: &str) -> Option<String> {
        assert!(self.file().is_none(), "there is no client for SQLite here");
        postgres::query(&self.url, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// What was written so far: all of a file, or how many rows each table has.
    pub fn contents(&self) -> Vec<u8> {
        let Some(file) = self.file() else {
            let counted = "SELECT string_agg(table_name || ' ' || query_to_xml(format('SELECT count(*) FROM %I', table_name), \
                           false, true, '')::text, ';') FROM information_schema.tables WHERE table_schema = 'public'";
            return self.query(counted).expect("tables").into_bytes();
        };
        let log = file.with_extension("db-wal");
        [std::fs::read(file).expect("a file"), std::fs::read(log).unwrap_or_default()].concat()
    }

    /// The file of a SQLite database, for tests that damage it.
    pub fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Directory(directory) => Some(sqlite_path(directory)),
            Place::File(path) => Some(path.clone()),
            Place::SharedServer { .. } | Place::OwnCluster => None,
        }
    }
}

fn sqlite_path(directory: &TempDir) -> PathBuf {
    Path::join(directory.path(), "vestibule.db")
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::SharedServer { name } = &self.place {
            postgres::drop_database(postgres::shared_server(), name);
        }
    }
}

/// Runs each test on SQLite and on PostgreSQL, as `name::on_sqlite` and `name::on_postgres`.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            async fn run($database: $crate::TestDatabase) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                run($crate::TestDatabase::sqlite()).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                run($crate::TestDatabase::postgres()).await;
            }
        })+
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_database_is_a_new_file_that_goes_with_its_value() {
        let database = TestDatabase::sqlite();
        let file = database.file().expect("a path");
        assert_eq!(database.url(), format!("sqlite://{}", file.display()));
        assert!(file.is_absolute() && !file.exists());

        std::fs::write(&file, "rows").expect("a writable directory");
        drop(database);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn postgres_databases_are_apart_and_go_with_their_values() {
        let (one, other) = (TestDatabase::postgres(), TestDatabase::postgres());
        assert_ne!(one.url(), other.url());

        let is_there = format!("SELECT 1 FROM pg_database WHERE datname = '{}'", name_of(&one));
        let server = postgres::shared_server();
        assert_eq!(postgres::query(server, &is_there), Ok(Some("1".into())));
        postgres::query(one.url(), "CREATE TABLE users (id TEXT)").expect("an empty database");
        postgres::query(other.url(), "CREATE TABLE users (id TEXT)").expect("an empty database");

        drop(one);
        assert_eq!(postgres::query(server, &is_there), Ok(None));
    }

    fn name_of(database: &TestDatabase) -> &str {
        database.url().rsplit('/').next().expect("a name")
    }
}
