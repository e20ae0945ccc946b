//! D7, K7: floods that cost whoever sends them more than whoever gets them.

use std::sync::Arc;

use tokio::task::JoinSet;
use vestibule_test_support::{Answer, Method, TestDatabase};

use crate::world::{APP, World};

/// So many clients ask at once, again and again.
const CLIENTS: u32 = 16;

/// What memory may vary by, whatever is asked: the allocator keeps what it has had, and connections have buffers.
const SLACK: u64 = 16 << 20;

/// Sends so many requests from each client.
async fn flood<F: Future<Output = Answer> + Send>(
    world: &Arc<World>,
    rounds: u32,
    ask: impl Fn(Arc<World>, u32) -> F + Clone + Send + 'static,
) -> Vec<u16> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (world, ask) = (Arc::clone(world), ask.clone());
        clients.spawn(async move {
            let mut statuses = Vec::new();
            for round in 0..rounds {
                statuses.push(ask(Arc::clone(&world), client * rounds + round).await.status.as_u16());
            }
            statuses
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// The same flood twice: what the first leaves is what it takes to answer at all, the second adds nothing to it.
async fn assert_flat<F: Future<Output = Answer> + Send>(
    world: &Arc<World>,
    status: u16,
    ask: impl Fn(Arc<World>, u32) -> F + Clone + Send + 'static,
) {
    let mut memory = Vec::new();
    for rounds in [40, 120] {
        let statuses = flood(world, rounds, ask.clone()).await;
        assert!(statuses.iter().all(|answered| *answered == status), "{statuses:?}");
        memory.push(world.program.resident_memory());
    }
    assert!(memory[1] < memory[0] + SLACK, "{memory:?}");
}

fn rows(world: &World) -> String {
    let tables = ["users", "identities", "sessions", "spent_attempts", "verified_emails"];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})"));
    world.database.query(&format!("SELECT concat_ws(' ', {})", counts.join(", "))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn k7_a_flood_of_sign_ins_that_only_begin_grows_nothing() {
    let builder = World::builder(TestDatabase::postgres());
    let world = Arc::new(builder.setting("RATE_LIMIT_SIGN_IN_PER_ADDRESS", "off").start().await);
    let token = world.sign_in("google", "ada").await;
    let before = rows(&world);
    let next = format!("{APP}?{}", "x".repeat(1_000));
    let login = format!("/auth/login/google?next={next}");
    assert_flat(&world, 303, move |world, number| {
        let address = format!("{login}{number}");
        async move { world.browser().get(&address).await }
    })
    .await;
    assert_flat(&world, 200, move |world, number| {
        let address = format!("/auth/check?next={next}{number}");
        async move { world.browser().get(&address).await }
    })
    .await;
    assert_eq!(rows(&world), before);
    assert!(world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_flood_of_large_and_wrong_tokens_grows_nothing() {
    let world = Arc::new(World::on(TestDatabase::sqlite()).await);
    let good = world.sign_in("google", "ada").await;
    let (message, _) = good.rsplit_once('.').unwrap();
    // Each is another, so that nothing remembered of one helps or hurts with the next.
    let message = message.to_owned();
    assert_flat(&world, 200, move |world, number| {
        let token = format!("{message}.{number:08}{}", "A".repeat(334));
        async move {
            let browser = world.browser();
            browser.send(browser.request(Method::GET, "/auth/check").bearer_auth(token)).await
        }
    })
    .await;
    assert_flat(&world, 200, |world, number| {
        let token = format!("{number}{}", "a.".repeat(20_000));
        async move { world.browser().post_form("/auth/update", &[("jwt", &token), ("username", "x1")]).await }
    })
    .await;
    assert!(world.is_signed_in(&good).await);
}
