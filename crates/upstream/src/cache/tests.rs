use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::*;

/// A clock that stands until it is moved.
struct StandingClock(AtomicI64);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Answers the number of the fetch, unless it is down or hangs.
struct Counter {
    name: ProviderName,
    fetches: AtomicU64,
    down: AtomicBool,
    hangs: AtomicBool,
}

#[async_trait]
impl Source for Arc<Counter> {
    type Value = u64;
    const STEP: Step = Step::Keys;

    fn provider(&self) -> &ProviderName {
        &self.name
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(20)
    }

    async fn fetch(&self) -> Result<u64, StepError> {
        let fetch = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.down.load(Ordering::SeqCst) { Err(failure()) } else { Ok(fetch) }
    }
}

fn failure() -> StepError {
    StepError::unavailable(Step::Keys, Reason::Status(503))
}

struct Scene {
    clock: Arc<StandingClock>,
    counter: Arc<Counter>,
    cache: Arc<Cache<Arc<Counter>>>,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(StandingClock(AtomicI64::new(1_000_000)));
        let counter = Arc::new(Counter {
            name: ProviderName::parse("work").unwrap(),
            fetches: AtomicU64::new(0),
            down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        });
        let cache = Cache::new(Arc::clone(&counter), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { clock, counter, cache }
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set_down(&self, down: bool) {
        self.counter.down.store(down, Ordering::SeqCst);
    }

    fn fetches(&self) -> u64 {
        self.counter.fetches.load(Ordering::SeqCst)
    }

    async fn current(&self) -> Result<u64, StepError> {
        self.cache.current().await.map(|held| *held.value)
    }
}

#[tokio::test]
async fn a_value_is_fetched_once_an_hour() {
    let scene = Scene::new();
    for (seconds, value) in [(0, 1), (3599, 1), (1, 2), (0, 2)] {
        scene.pass(seconds);
        assert_eq!(scene.current().await, Ok(value));
    }
}

#[tokio::test]
async fn b9_many_who_ask_at_once_make_one_fetch() {
    let scene = Scene::new();
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let cache = Arc::clone(&scene.cache);
            tokio::spawn(async move { *cache.current().await.unwrap().value })
        })
        .collect();
    for answer in asking {
        assert_eq!(answer.await.unwrap(), 1);
    }
    assert_eq!(scene.fetches(), 1);
}

#[tokio::test]
async fn b9_a_failing_provider_is_asked_once_in_five_seconds() {
    let scene = Scene::new();
    scene.set_down(true);
    for _ in 0..10 {
        assert_eq!(scene.current().await, Err(failure()));
    }
    assert_eq!(scene.fetches(), 1);
    scene.pass(5);
    scene.set_down(false);
    assert_eq!(scene.current().await, Ok(2));
}

#[tokio::test]
async fn b9_an_old_value_survives_an_outage() {
    let scene = Scene::new();
    assert_eq!(scene.current().await, Ok(1));
    scene.set_down(true);
    scene.pass(48 * 3600);
    for _ in 0..10 {
        assert_eq!(scene.current().await, Ok(1));
    }
    assert_eq!(scene.fetches(), 2);
    scene.pass(5);
    scene.set_down(false);
    assert_eq!(scene.current().await, Ok(3));
}

#[tokio::test]
async fn b9_a_provider_that_hangs_ends_in_a_timeout_and_keeps_the_old_value() {
    let scene = Scene::new();
    scene.counter.hangs.store(true, Ordering::SeqCst);
    assert_eq!(scene.current().await, Err(StepError::unavailable(Step::Keys, Reason::Timeout)));
    scene.counter.hangs.store(false, Ordering::SeqCst);
    scene.pass(5);
    assert_eq!(scene.current().await, Ok(2));
    scene.counter.hangs.store(true, Ordering::SeqCst);
    scene.pass(3600);
    assert_eq!(scene.current().await, Ok(2));
}

#[tokio::test]
async fn b9_whoever_gives_up_does_not_end_the_fetch_for_others() {
    let scene = Scene::new();
    let cache = Arc::clone(&scene.cache);
    let impatient = tokio::spawn(async move { cache.current().await.map(|held| *held.value) });
    while scene.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    assert_eq!(scene.current().await, Ok(1));
    assert_eq!(scene.fetches(), 1);
}

#[tokio::test]
async fn b7_what_is_missing_is_looked_for_once_in_thirty_seconds() {
    let scene = Scene::new();
    let seen = scene.cache.current().await.unwrap();
    let renewed = scene.cache.newer_than(&seen).await.unwrap().unwrap();
    assert_eq!(*renewed.value, 2);
    for _ in 0..100 {
        assert!(scene.cache.newer_than(&renewed).await.unwrap().is_none());
        // Whoever looked at the first value gets the second without another fetch.
        assert_eq!(*scene.cache.newer_than(&seen).await.unwrap().unwrap().value, 2);
    }
    scene.pass(29);
    assert!(scene.cache.newer_than(&renewed).await.unwrap().is_none());
    scene.pass(1);
    assert_eq!(*scene.cache.newer_than(&renewed).await.unwrap().unwrap().value, 3);
}

#[tokio::test]
async fn b7_a_failed_search_is_not_repeated_early_and_takes_nothing_away() {
    let scene = Scene::new();
    let seen = scene.cache.current().await.unwrap();
    scene.set_down(true);
    for _ in 0..10 {
        assert_eq!(scene.cache.newer_than(&seen).await.err(), Some(failure()));
        scene.pass(2);
    }
    assert_eq!(scene.fetches(), 2);
    assert_eq!(scene.current().await, Ok(1));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_freeze_anything() {
    let scene = Scene::new();
    let seen = scene.cache.current().await.unwrap();
    assert!(scene.cache.newer_than(&seen).await.unwrap().is_some());
    scene.pass(-86_400);
    assert_eq!(scene.current().await, Ok(3));
}
