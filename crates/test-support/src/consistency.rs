//! What must be true of every database at any time, looked up beside the program.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tokio_postgres::NoTls;

use crate::{TestDatabase, postgres};

/// For statements that fill whole tables.
const MUCH: Duration = Duration::from_secs(120);

/// Each query counts what must not be there.
const RULES: &[(&str, &str)] = &[
    (
        "an identity without its user",
        "SELECT count(*) AS n FROM identities WHERE user_id NOT IN (SELECT id FROM users)",
    ),
    (
        "a session without its user",
        "SELECT count(*) AS n FROM sessions WHERE user_id NOT IN (SELECT id FROM users)",
    ),
    (
        "a session of a generation that its user has not reached",
        "SELECT count(*) AS n FROM sessions JOIN users ON users.id = sessions.user_id \
         WHERE sessions.generation > users.generation",
    ),
    (
        "an address held by nobody",
        "SELECT count(*) AS n FROM verified_emails WHERE user_id NOT IN (SELECT id FROM users)",
    ),
    (
        "a person without any identity, although no provider was forgotten",
        "SELECT count(*) AS n FROM users WHERE kind = 'person' AND id NOT IN (SELECT user_id FROM identities) \
         AND NOT EXISTS (SELECT 1 FROM audit_events WHERE event = 'provider.forgotten')",
    ),
    (
        "an identity that is refused, and whose address counts",
        "SELECT count(*) AS n FROM identities i WHERE email_verified AND EXISTS (SELECT 1 FROM identity_refusals r \
         WHERE r.issuer = i.issuer AND r.subject = i.subject)",
    ),
    (
        "an address held by a user none of whose identities states it as verified",
        "SELECT count(*) AS n FROM verified_emails v WHERE NOT EXISTS (SELECT 1 FROM identities i \
         WHERE i.user_id = v.user_id AND i.email_verified AND lower(i.email) = v.address)",
    ),
    (
        "a user with an address that none of the user's identities states as verified",
        "SELECT count(*) AS n FROM users u WHERE email IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identities i \
         WHERE i.user_id = u.id AND i.email_verified AND lower(i.email) = lower(u.email))",
    ),
    (
        "an address that is not in its comparable form",
        "SELECT count(*) AS n FROM verified_emails WHERE address <> lower(address)",
    ),
    (
        "a role assigned to a user who is not there",
        "SELECT count(*) AS n FROM role_assignments WHERE subject_kind = 'user' AND subject NOT IN (SELECT id FROM users)",
    ),
    (
        "a username that differs from its key",
        "SELECT count(*) AS n FROM users WHERE lower(username) <> username_key",
    ),
    (
        "a role account with an identity, without a username or without its row",
        "SELECT count(*) AS n FROM users WHERE kind = 'role' AND (username IS NULL OR id IN (SELECT user_id FROM identities) \
         OR id NOT IN (SELECT user_id FROM role_accounts))",
    ),
    (
        "a person with the row of a role account",
        "SELECT count(*) AS n FROM role_accounts JOIN users ON users.id = role_accounts.user_id WHERE users.kind <> 'role'",
    ),
    (
        "a token of another kind than its user, or of a generation that its user has not reached",
        "SELECT count(*) AS n FROM api_tokens JOIN users ON users.id = api_tokens.user_id \
         WHERE (users.kind = 'role') <> (api_tokens.kind = 'role') OR api_tokens.token_generation > users.token_generation",
    ),
    (
        "a token that is not kept as a digest",
        "SELECT count(*) AS n FROM api_tokens WHERE length(hash) <> 64 OR hash <> lower(hash)",
    ),
    (
        "a session that ends before it begins",
        "SELECT count(*) AS n FROM sessions WHERE expires_at < created_at",
    ),
    (
        "a grant without its user, or one of a generation that its user has not reached",
        "SELECT count(*) AS n FROM grants g WHERE NOT EXISTS (SELECT 1 FROM users u \
         WHERE u.id = g.user_id AND u.generation >= g.user_generation)",
    ),
    (
        "a token without its grant",
        "SELECT (SELECT count(*) FROM refresh_tokens WHERE grant_id NOT IN (SELECT id FROM grants)) \
         + (SELECT count(*) FROM access_tokens WHERE grant_id IS NOT NULL AND grant_id NOT IN (SELECT id FROM grants)) AS n",
    ),
    (
        "a grant that has not exactly one refresh token that is unspent, the newest of its own",
        "SELECT count(*) AS n FROM grants g WHERE (SELECT count(*) FROM refresh_tokens r \
         WHERE r.grant_id = g.id AND r.spent_at IS NULL) <> 1 OR EXISTS (SELECT 1 FROM refresh_tokens r \
         JOIN refresh_tokens newer ON newer.grant_id = r.grant_id AND newer.generation > r.generation \
         WHERE r.grant_id = g.id AND r.spent_at IS NULL)",
    ),
    (
        "an answer to a refresh token that was not spent",
        "SELECT count(*) AS n FROM refresh_tokens WHERE successor_sealed IS NOT NULL AND spent_at IS NULL",
    ),
];

impl TestDatabase {
    /// Whatever is in the database that must not be there: a half done sign-in, a session of nobody, damage to the file.
    pub fn inconsistencies(&self) -> Vec<&'static str> {
        let mut found: Vec<_> =
            RULES.iter().filter(|(_, count)| self.count(count) != 0).map(|(what, _)| *what).collect();
        if self.file().is_some() {
            found.extend(DAMAGE.iter().filter(|(_, count)| self.count(count) != 0).map(|(what, _)| *what));
        }
        found
    }

    /// Asserts that there are no [`TestDatabase::inconsistencies`].
    pub fn assert_consistent(&self) {
        assert_eq!(self.inconsistencies(), Vec::<&str>::new());
    }

    /// The number that a query gives as its column `n`.
    pub fn count(&self, statement: &str) -> i64 {
        if self.file().is_some() {
            let count = diesel::sql_query(statement).get_result::<Count>(&mut self.sqlite_client());
            return count.unwrap_or_else(|error| panic!("{statement}: {error}")).n;
        }
        self.query(statement).expect("one row").parse().expect("a number")
    }

    /// Runs statements past the program, on either database.
    pub fn execute(&self, statements: &str) {
        if self.file().is_some() {
            let done = self.sqlite_client().batch_execute(statements);
            return done.unwrap_or_else(|error| panic!("{statements}: {error}"));
        }
        postgres::query_within(MUCH, self.url(), statements)
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Takes SQLite's write lock, as a program beside ours may, until the value is dropped.
    pub fn lock_for_writing(&self) -> WriteLock {
        let mut client = self.sqlite_client();
        client.batch_execute("BEGIN IMMEDIATE").expect("the lock is free within a while");
        WriteLock(client)
    }

    /// Keeps everybody else away from PostgreSQL tables, readers as well, until the value is dropped.
    pub async fn lock_tables(&self, tables: &str) -> TableLock {
        let (client, connection) = tokio_postgres::connect(self.url(), NoTls).await.expect("the server");
        tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {tables}")).await.expect("the tables");
        TableLock(client)
    }

    fn sqlite_client(&self) -> SqliteConnection {
        let path = self.file().expect("a database in a file");
        let path = path.to_str().expect("a path in UTF-8");
        let mut client = SqliteConnection::establish(path).expect("a file that can be opened");
        client.batch_execute("PRAGMA busy_timeout = 30000").expect("a setting");
        client
    }
}

/// Tables of PostgreSQL, held by this process.
#[derive(Debug)]
pub struct TableLock(#[expect(dead_code, reason = "held for what ends with it")] tokio_postgres::Client);

/// SQLite's write lock, held by this process.
#[expect(missing_debug_implementations, reason = "a connection of diesel has none")]
pub struct WriteLock(SqliteConnection);

impl Drop for WriteLock {
    fn drop(&mut self) {
        self.0.batch_execute("ROLLBACK").ok();
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Each query counts what SQLite finds wrong with its own file.
const DAMAGE: &[(&str, &str)] = &[
    ("damage", "SELECT count(*) AS n FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    ("a foreign key that leads nowhere", "SELECT count(*) AS n FROM pragma_foreign_key_check"),
];
