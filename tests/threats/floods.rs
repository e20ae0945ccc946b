//! K6: whoever makes the service sign or verify as fast as it can does not stop it for others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vestibule_test_support::{Answer, Client, Method, TestDatabase};

use crate::world::World;

const CHECKS: usize = 150;
const FLOODERS: usize = 96;

/// What a flood has got.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    served: u32,
    refused: u32,
}

impl Tally {
    /// Counts an answer; there are only two that may be.
    fn count(&mut self, answer: &Answer) {
        if answer.status == 200 {
            self.served += 1;
            return;
        }
        assert_eq!(answer.status, 503, "{}", answer.body);
        let wait: u64 = answer.header("retry-after").expect("when to come again").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(answer.json().get("token").is_none(), "{}", answer.body);
        self.refused += 1;
    }
}

/// Many clients that ask without a pause, until they are told to stop.
struct Flood {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Tally>,
}

impl Flood {
    fn begin(world: &World, tokens: &[String], address: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for token in tokens.iter().cycle().take(FLOODERS) {
            let (client, token, stop) = (world.browser(), token.clone(), Arc::clone(&stop));
            clients.spawn(async move {
                let mut tally = Tally::default();
                while !stop.load(Ordering::Relaxed) {
                    tally.count(&ask_as(&client, &token, address).await);
                }
                tally
            });
        }
        Self { stop, clients }
    }

    async fn end(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for tally in self.clients.join_all().await {
            sum.served += tally.served;
            sum.refused += tally.refused;
        }
        sum
    }
}

/// Every permission token is signed anew, and no limit holds anybody back.
async fn unlimited() -> World {
    let builder = World::builder(TestDatabase::sqlite());
    let builder = builder.setting("PERMISSION_TOKEN_REUSE", "off");
    let builder = builder.setting("RATE_LIMIT_AUTHORIZE_PER_ACCOUNT", "off");
    builder.setting("RATE_LIMIT_AUTHORIZE_PER_ADDRESS", "off").start().await
}

async fn ask_as(client: &Client, token: &str, address: &str) -> Answer {
    client.send(client.request(Method::GET, address).bearer_auth(token)).await
}

/// How long a check takes at most, but for one of a hundred. All of them succeed.
async fn p99_of_checks(world: &World, token: &str) -> Duration {
    let client = world.browser();
    let mut took = Vec::new();
    for _ in 0..CHECKS {
        let began = Instant::now();
        let answer = ask_as(&client, token, "/auth/check").await;
        took.push(began.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["authenticated"], true, "{}", answer.body);
    }
    took.sort();
    took[CHECKS * 99 / 100]
}

/// Checks before and during a flood. How much slower they become depends on the machine and is only told.
async fn check_under(world: &World, tokens: &[String], address: &'static str) -> Tally {
    let token = &tokens[0];
    let idle = p99_of_checks(world, token).await;
    let flood = Flood::begin(world, tokens, address);
    let flooded = p99_of_checks(world, token).await;
    let tally = flood.end().await;
    let ratio = flooded.as_secs_f64() / idle.as_secs_f64();
    println!("p99 of check: {idle:?} idle, {flooded:?} under the flood, {ratio:.1} times; {tally:?}");
    tally
}

const AUTHORIZE: &str = "/auth/authorize?service=storage";

#[tokio::test(flavor = "multi_thread")]
async fn k6_checks_succeed_while_one_user_floods_with_requests_for_signatures() {
    let world = unlimited().await;
    let token = world.sign_in("google", "ada").await;
    let tally = check_under(&world, &[token], AUTHORIZE).await;
    assert!(tally.served > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn k6_checks_succeed_while_several_users_flood_with_requests_for_signatures() {
    let world = unlimited().await;
    let mut tokens = Vec::new();
    for (provider, persona) in
        [("google", "ada"), ("google", "linus"), ("github", "grace"), ("corporate", "grace")]
    {
        tokens.push(world.sign_in(provider, persona).await);
    }
    let tally = check_under(&world, &tokens, AUTHORIZE).await;
    assert!(tally.served > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn k6_checks_succeed_while_tokens_with_wrong_signatures_come_at_full_rate() {
    let world = unlimited().await;
    let token = world.sign_in("google", "ada").await;
    let good = world.browser();
    let kept = ask_as(&good, &token, "/auth/check").await.json();
    // The words of a good token, so that each costs a verification, and of an impostor.
    let (words, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{words}.{}", "A".repeat(342));
    let garbage = "a.b.c".to_owned();
    let flood = Flood::begin(&world, &[forged.clone(), garbage], "/auth/check");
    let flooded = p99_of_checks(&world, &token).await;
    let tally = flood.end().await;
    println!("p99 of check: {flooded:?} under the flood; {tally:?}");
    assert!(tally.served > 0 && tally.refused == 0, "{tally:?}");
    assert!(!world.is_signed_in(&forged).await, "it is refused however often it comes");
    assert_eq!(ask_as(&good, &token, "/auth/check").await.json(), kept);
}
