//! What apps keep in sessions: one JSON object for each app and session, with a version.
//!
//! INVARIANT: a write is one statement that also looks whether the session is alive, and none writes to `sessions`: a slow writer
//! neither revives a session nor overwrites what it has not seen. A version is never used twice, so an object is emptied, not deleted.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ServiceName, SessionData, SessionId, SessionLimits, Timestamp};

use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::{session_data, sessions, users};
use crate::sessions::alive::{is_running, living_sessions};
use crate::storage::Storage;

/// How many apps keep data in one session.
const MOST_APPS: i64 = 16;

/// What an app keeps in a session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionedData {
    /// The object.
    pub data: SessionData,
    /// 0 before the first write.
    pub version: i64,
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataWrite {
    /// It is written, and has this version.
    Written(i64),
    /// The object has another version than the writer has seen.
    Stale(VersionedData),
    /// The session has ended.
    SessionEnded,
    /// Too many other apps keep data in the session.
    TooManyApps,
}

/// A write, with all that decides whether it counts.
#[derive(Clone)]
struct Write {
    session: SessionId,
    app: ServiceName,
    seen: i64,
    text: String,
    now: Timestamp,
    limits: SessionLimits,
}

impl Storage {
    /// What an app keeps in a session.
    pub async fn find_session_data(
        &self,
        session: &SessionId,
        app: &ServiceName,
    ) -> Result<VersionedData, StorageError> {
        let read = operation!(find_session_data(session, app), |connection| {
            find(connection, session, app).await
        });
        self.db.read(read).await
    }

    /// Writes what an app keeps in a session, if it is the next version after `seen` and the session is alive.
    pub async fn write_session_data(
        &self,
        session: &SessionId,
        app: &ServiceName,
        seen: i64,
        data: &SessionData,
        now: Timestamp,
    ) -> Result<DataWrite, StorageError> {
        let write = Write {
            session: session.clone(),
            app: app.clone(),
            seen,
            text: data.to_text(),
            now,
            limits: self.session_limits,
        };
        let operation = operation!(write_session_data(write), |connection| {
            let written = if write.seen == 0 {
                insert(connection, write).await?
            } else {
                update(connection, write).await?
            };
            if written { Ok(DataWrite::Written(write.seen + 1)) } else { why_not(connection, write).await }
        });
        self.db.write(operation).await
    }
}

/// The session of a write, if it is alive.
macro_rules! alive {
    ($write:expr) => {{
        let Write { session, now, limits, .. } = $write;
        living_sessions!(now).filter(sessions::id.eq(session.as_str())).filter(is_running!(now, limits))
    }};
}

async fn update(connection: &mut Connection, write: &Write) -> Result<bool, OperationError> {
    let update = diesel::update(session_data::table.find((write.session.as_str(), write.app.as_str())))
        .filter(session_data::version.eq(write.seen))
        .filter(exists(alive!(write)))
        .set((
            session_data::data.eq(&write.text),
            session_data::version.eq(write.seen + 1),
            session_data::updated_at.eq(write.now.micros()),
        ));
    Ok(query!(connection, |c| update.execute(c))? == 1)
}

/// Of two first writers one inserts.
async fn insert(connection: &mut Connection, write: &Write) -> Result<bool, OperationError> {
    let is_alive = alive!(write).select(sessions::id);
    if query!(connection, |c| is_alive.load::<String>(c))?.is_empty() || is_full(connection, write).await? {
        return Ok(false);
    }
    // The row of a session that ends meanwhile is of a session that is dead: it is read by nobody, and goes with it.
    let insert = diesel::insert_into(session_data::table)
        .values((
            session_data::session_id.eq(write.session.as_str()),
            session_data::app.eq(write.app.as_str()),
            session_data::version.eq(1),
            session_data::data.eq(&write.text),
            session_data::updated_at.eq(write.now.micros()),
        ))
        .on_conflict_do_nothing();
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}

async fn is_full(connection: &mut Connection, write: &Write) -> Result<bool, OperationError> {
    let of_others = session_data::table
        .filter(session_data::session_id.eq(write.session.as_str()))
        .filter(session_data::app.ne(write.app.as_str()))
        .count();
    Ok(query!(connection, |c| of_others.get_result::<i64>(c))? >= MOST_APPS)
}

async fn why_not(connection: &mut Connection, write: &Write) -> Result<DataWrite, OperationError> {
    let is_alive = alive!(write).select(sessions::id);
    if query!(connection, |c| is_alive.load::<String>(c))?.is_empty() {
        return Ok(DataWrite::SessionEnded);
    }
    let found = find(connection, &write.session, &write.app).await?;
    let is_first = found.version == 0 && write.seen == 0;
    Ok(if is_first { DataWrite::TooManyApps } else { DataWrite::Stale(found) })
}

async fn find(
    connection: &mut Connection,
    session: &SessionId,
    app: &ServiceName,
) -> Result<VersionedData, OperationError> {
    let select = session_data::table
        .find((session.as_str(), app.as_str()))
        .select((session_data::data, session_data::version));
    let found = query!(connection, |c| select.load::<(String, i64)>(c))?;
    let Some((text, version)) = found.into_iter().next() else { return Ok(VersionedData::default()) };
    let invalid = || StorageError::InvalidValue("session_data.data");
    let value = serde_json::from_str(&text).map_err(|_| invalid())?;
    let data = SessionData::new(value).map_err(|_| invalid())?;
    Ok(VersionedData { data, version })
}
