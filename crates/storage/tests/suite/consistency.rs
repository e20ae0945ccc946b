//! What must be true of a database at any time.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tokio_postgres::NoTls;

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
        "an address held by nobody",
        "SELECT count(*) AS n FROM verified_emails WHERE user_id NOT IN (SELECT id FROM users)",
    ),
    (
        "a user without any identity",
        "SELECT count(*) AS n FROM users WHERE id NOT IN (SELECT user_id FROM identities)",
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
        "a session that ends before it begins",
        "SELECT count(*) AS n FROM sessions WHERE expires_at < created_at",
    ),
];

/// l13: nothing is found that must not be there.
pub(crate) async fn check(url: &str) {
    for (what, statement) in RULES {
        assert_eq!(count(url, statement).await, 0, "{what}");
    }
    if url.starts_with("sqlite:") {
        let damage = "SELECT count(*) AS n FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(count(url, damage).await, 0, "damage");
        let dangling = "SELECT count(*) AS n FROM pragma_foreign_key_check";
        assert_eq!(count(url, dangling).await, 0, "a foreign key that leads nowhere");
    }
}

/// The number that a query gives, asked beside the storage.
pub(crate) async fn count(url: &str, statement: &str) -> i64 {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return count_in_sqlite(path, statement);
    }
    raw_postgres(url).await.query_one(statement, &[]).await.expect("an answer").get(0)
}

/// Runs statements beside the storage.
pub(crate) async fn execute(url: &str, statements: &str) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        raw_sqlite(path).batch_execute(statements).expect("statements");
    } else {
        raw_postgres(url).await.batch_execute(statements).await.expect("statements");
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count_in_sqlite(path: &str, statement: &str) -> i64 {
    let count: Count = diesel::sql_query(statement).get_result(&mut raw_sqlite(path)).expect("an answer");
    count.n
}

pub(crate) fn raw_sqlite(path: &str) -> SqliteConnection {
    SqliteConnection::establish(path).expect("the file")
}

pub(crate) async fn raw_postgres(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server");
    tokio::spawn(connection);
    client
}
