use tokio::task::{JoinHandle, JoinSet};
use vestibule_domain::{Actor, AuditEvent, AuditName};
use vestibule_test_support::{TestDatabase, eventually};

use super::*;
use crate::testing::{GOOGLE, at, connect, person, sign_in_as};

const GRACE: Duration = Duration::from_secs(600);

/// An event for a write whose audit trail a test does not look at.
fn event() -> AuditEvent {
    AuditEvent::new(AuditName::SessionEnded, Actor::Service, at(0))
}

/// The sessions of a database, and one that is alive for an hour.
struct Stage {
    sessions: Arc<SessionCache>,
    session: SessionId,
    user: UserId,
    following: Option<JoinHandle<()>>,
    database: TestDatabase,
}

impl Stage {
    async fn set(database: TestDatabase) -> Self {
        let storage = connect(&database);
        storage.migrate().await.unwrap();
        let (user, session) = sign_in_as(&storage, person(GOOGLE, "7"), "ada").await;
        let sessions = Arc::new(SessionCache::new(storage));
        Self { sessions, session: session.id, user: user.id, following: None, database }
    }

    async fn follow(mut self) -> Self {
        let storage = self.sessions.storage.clone();
        self.following = Some(tokio::spawn(async move { storage.follow_changes().await }));
        eventually("the feed is confirmed", async || {
            self.sessions.storage.changes().is_confirmed(Instant::now())
        })
        .await;
        self
    }

    async fn find(&self, seconds: i64) -> Option<Arc<CachedSession>> {
        self.sessions.find(self.key(seconds)).await.unwrap()
    }

    fn key(&self, seconds: i64) -> SessionKey<'_> {
        SessionKey { by: SessionRef::Id(&self.session, &self.user), now: at(seconds) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(following) = &self.following {
            following.abort();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_read_once_and_then_shared_until_its_end() {
    let stage = Stage::set(TestDatabase::sqlite()).await.follow().await;
    let first = stage.find(0).await.unwrap();
    assert!(Arc::ptr_eq(&first, &stage.find(1).await.unwrap()), "from memory");
    assert!(stage.find(3599).await.is_some());
    assert!(stage.find(3600).await.is_none(), "nobody has to tell of its end");
    let eve = UserId::parse("eve").unwrap();
    let as_eve = SessionKey { by: SessionRef::Id(&stage.session, &eve), now: at(1) };
    assert!(stage.sessions.find(as_eve).await.unwrap().is_none(), "it is one user's");
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_nothing_is_taken_from_memory_while_nobody_tells_of_changes() {
    let stage = Stage::set(TestDatabase::sqlite()).await;
    let first = stage.find(0).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &stage.find(0).await.unwrap()));
    connect(&stage.database).revoke_session(&stage.user, &stage.session, at(1), &event()).await.unwrap();
    assert!(stage.find(1).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_what_this_process_ends_is_dead_at_once() {
    let stage = Stage::set(TestDatabase::sqlite()).await.follow().await;
    for _ in 0..50 {
        assert!(stage.find(0).await.is_some());
    }
    stage.sessions.storage.revoke_session(&stage.user, &stage.session, at(1), &event()).await.unwrap();
    assert!(stage.find(1).await.is_none());
    assert!(stage.sessions.find_in_outage(stage.key(1), GRACE).is_none(), "also for an outage");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_at_once_share_one_question() {
    let stage = Stage::set(TestDatabase::sqlite()).await.follow().await;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (sessions, session, user) =
            (Arc::clone(&stage.sessions), stage.session.clone(), stage.user.clone());
        all.spawn(async move {
            let key = SessionKey { by: SessionRef::Id(&session, &user), now: at(0) };
            sessions.find(key).await.unwrap().unwrap()
        });
    }
    let mut found: Vec<_> =
        all.join_all().await.iter().map(Arc::as_ptr).map(<*const CachedSession>::addr).collect();
    found.sort_unstable();
    found.dedup();
    assert!(found.len() < 10, "{} questions", found.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_noted_by_one_of_all_who_ask() {
    let stage = Stage::set(TestDatabase::sqlite()).await.follow().await;
    let kept = stage.find(0).await.unwrap();
    assert!(!kept.last_use.claim(at(300)));
    assert!(kept.last_use.claim(at(301)));
    assert!(!kept.last_use.claim(at(302)));
    assert!(kept.last_use.claim(at(602)));
}

/// Prints what an answer from memory costs against one from the database.
async fn cost(database: TestDatabase, name: &str) {
    const MEMORY: u32 = 20_000;
    const DATABASE: u32 = 300;
    let stage = Stage::set(database).await.follow().await;
    stage.find(0).await.unwrap();
    let began = Instant::now();
    for _ in 0..MEMORY {
        assert!(stage.find(0).await.is_some());
    }
    let memory = began.elapsed() / MEMORY;
    let began = Instant::now();
    for _ in 0..DATABASE {
        assert!(stage.sessions.ask(stage.key(0)).await.unwrap().is_some());
    }
    println!("{name}: {memory:?} from memory, {:?} from the database", began.elapsed() / DATABASE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_costs_on_sqlite_is_printed() {
    cost(TestDatabase::sqlite(), "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_costs_on_postgres_is_printed() {
    cost(TestDatabase::postgres(), "PostgreSQL").await;
}
