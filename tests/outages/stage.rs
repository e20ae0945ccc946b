//! A service whose database goes away: what it answers meanwhile, how soon, and when all is well again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;
use vestibule_test_support::{Answer, Client, Machine, Method, TestDatabase, eventually};

use crate::world::{APP, World, WorldBuilder, all_that_need_the_database};

/// What a debug build needs for hundreds of answers at once, on processors that other tests keep busy as well.
const WORK: Duration = Duration::from_secs(2);
/// Every answer is there within this time. Promised are three seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(3).saturating_add(WORK);
/// All is well within this time after the fault is over. Promised are five seconds.
const HEALED: Duration = Duration::from_secs(5).saturating_add(WORK);
/// What may be answered from memory.
const FROM_MEMORY: &[&str] = &["/auth/check", "/auth/authorize"];
/// How often everything is asked for at once.
const AT_ONCE: usize = 40;

/// A service with one person who is signed in, and one sign-in that has come as far as the callback.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) token: String,
    browser: Arc<Client>,
    callback: Url,
}

/// What came back, and how long it took, less the time for which the machine stood still.
pub(super) struct Timed {
    pub(super) answer: Answer,
    pub(super) took: Duration,
}

/// What came back, by the path that was asked for.
pub(super) struct Answers(BTreeMap<String, Vec<Timed>>);

impl Stage {
    pub(super) async fn on(database: TestDatabase) -> Self {
        Self::set(World::builder(database)).await
    }

    pub(super) async fn set(builder: WorldBuilder) -> Self {
        let world = builder.without_limits().start().await;
        let token = world.sign_in("google", "ada").await;
        let browser = Arc::new(world.browser());
        let callback = world.reach_callback(&browser, "google", "ada", APP).await;
        Self { world, token, browser, callback }
    }

    /// Asks for all that needs the database, hundreds of times at once.
    pub(super) async fn ask_for_everything(&self) -> Answers {
        let each = || all_that_need_the_database(&self.browser, &self.token);
        let mut requests: Vec<_> = (0..AT_ONCE).flat_map(|_| each()).collect();
        requests.push(self.browser.request(Method::GET, self.callback.as_str()));
        self.ask_all(requests).await
    }

    /// So many checks of a good token at once.
    pub(super) async fn check_often(&self, times: usize) -> Answers {
        let check = || self.browser.request(Method::GET, "/auth/check").bearer_auth(&self.token);
        self.ask_all((0..times).map(|_| check()).collect()).await
    }

    async fn ask_all(&self, requests: Vec<reqwest::RequestBuilder>) -> Answers {
        let mut asked = JoinSet::new();
        let machine = Arc::new(Machine::watch());
        for request in requests {
            let (browser, machine) = (Arc::clone(&self.browser), Arc::clone(&machine));
            asked.spawn(async move {
                let begun = Instant::now();
                let answer = browser.send(request).await;
                Timed { answer, took: begun.elapsed().saturating_sub(machine.lost()) }
            });
        }
        let mut answers = BTreeMap::<_, Vec<_>>::new();
        for timed in asked.join_all().await {
            answers.entry(timed.answer.url.path().to_owned()).or_default().push(timed);
        }
        Answers(answers)
    }

    /// While the database is away: all that needs it is refused in time, and the rest goes on.
    ///
    /// For the first 0.8 seconds a session that is remembered still counts; [`FROM_MEMORY`] needs nothing else.
    pub(super) async fn assert_database_is_missed(&self, fault: &str) {
        let at_first = self.ask_for_everything().await;
        at_first.print(&format!("{fault}, at first"));
        for timed in at_first.all() {
            let is_remembered = timed.answer.status == 200 && FROM_MEMORY.contains(&timed.answer.url.path());
            if !is_remembered {
                timed.assert_unavailable(fault);
            }
        }
        let is_forgotten = async || self.world.get_as(&self.token, "/auth/check").await.status == 503;
        eventually("nobody knows whether the session still counts", is_forgotten).await;
        let answers = self.ask_for_everything().await;
        answers.print(fault);
        for timed in answers.all() {
            timed.assert_unavailable(fault);
        }
        self.assert_the_rest_is_well(fault).await;
    }

    /// What needs no database.
    pub(super) async fn assert_the_rest_is_well(&self, fault: &str) {
        let begun = Instant::now();
        for address in ["/healthz", "/auth/public-key", "/.well-known/jwks.json", "/auth/check", "/", "/docs"]
        {
            assert_eq!(self.browser.get(address).await.status, 200, "{fault}: {address}");
        }
        let login = self.browser.get(&format!("/auth/login/google?next={APP}")).await;
        assert_eq!(login.status, 303, "{fault}: {}", login.body);
        assert!(begun.elapsed() < LIMIT, "{fault}: {:?}", begun.elapsed());
    }

    /// The fault is over: readiness, the session, writing and signing in are back, without a restart.
    pub(super) async fn assert_heals(&self, fault: &str) {
        let (begun, machine) = (Instant::now(), Machine::watch());
        let is_ready = async || self.browser.get("/readyz").await.status == 200;
        eventually("the service is ready", is_ready).await;
        eventually("the session counts", async || self.is_signed_in().await).await;
        eventually("something is written", async || self.writes().await.status == 200).await;
        let took = begun.elapsed().saturating_sub(machine.lost());
        eprintln!("{fault}: all is well after {} ms", took.as_millis());
        assert!(took < HEALED, "{fault}: {took:?}");
        self.world.sign_in("google", "linus").await;
        self.world.database.assert_consistent();
    }

    /// A sign-in that met the fault at its last step and could not even begin it is not lost.
    pub(super) async fn assert_callback_is_still_good(&self) {
        assert_eq!(self.browser.get(self.callback.as_str()).await.status, 303);
    }

    pub(super) async fn is_signed_in(&self) -> bool {
        let answer = self.world.get_as(&self.token, "/auth/check").await;
        answer.status == 200 && answer.json()["authenticated"] == true
    }

    /// Something that is written, whose repetition changes nothing.
    pub(super) async fn writes(&self) -> Answer {
        self.world.post_as(&self.token, "/auth/update", &[("username", "ada")]).await
    }
}

impl Answers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Timed> {
        self.0.values().flatten()
    }

    /// How many were answered with this status.
    pub(super) fn count(&self, status: u16) -> usize {
        self.all().filter(|timed| timed.answer.status == status).count()
    }

    /// The longest wait at each path, for whoever reads the log of the tests.
    pub(super) fn print(&self, fault: &str) {
        for (path, answers) in &self.0 {
            let longest = answers.iter().map(|timed| timed.took).max().unwrap_or_default();
            eprintln!(
                "{fault}: {path}: {} answers, the last after {} ms",
                answers.len(),
                longest.as_millis()
            );
        }
    }

    /// Nobody waited too long and nothing but these came back.
    pub(super) fn assert_only(&self, statuses: &[u16], fault: &str) {
        for timed in self.all() {
            let Timed { answer, took } = timed;
            assert!(statuses.contains(&answer.status.as_u16()), "{fault}: {} {}", answer.url, answer.body);
            assert!(*took < LIMIT, "{fault}: {}: {took:?}", answer.url);
        }
    }
}

impl Timed {
    fn assert_unavailable(&self, fault: &str) {
        let Self { answer, took } = self;
        assert_eq!(answer.status, 503, "{fault}: {}: {}", answer.url, answer.body);
        let wait = answer.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
        assert!(wait.is_some_and(|wait| (1..=60).contains(&wait)), "{fault}: {}: {wait:?}", answer.url);
        assert!(*took < LIMIT, "{fault}: {}: {took:?}", answer.url);
    }
}

/// Asserts that a write was refused as something that may succeed later.
pub(super) fn assert_refused_for_now(answer: &Answer, fault: &str) {
    assert_eq!(answer.status, 503, "{fault}: {}", answer.body);
    assert!(answer.header("retry-after").is_some(), "{fault}");
}
