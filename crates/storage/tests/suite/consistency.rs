//! Looking into a database beside the storage.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tokio_postgres::NoTls;

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
