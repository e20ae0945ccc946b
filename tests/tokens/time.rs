//! The life of a token, on clocks that move.

use std::sync::Arc;
use std::time::Duration;

use vestibule_test_support::{MovableClock, TestDatabase};

use crate::world::World;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

async fn world_under(clock: &Arc<MovableClock>) -> World {
    World::builder(TestDatabase::sqlite()).clock(clock).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_token_lives_fourteen_days_and_not_a_minute_longer() {
    let clock = Arc::new(MovableClock::new());
    let mut world = world_under(&clock).await;
    let token = world.sign_in("google", "ada").await;
    clock.advance(14 * DAY);
    clock.back(MINUTE + SECOND);
    assert!(world.is_signed_in(&token).await, "61 s before its end");
    world.program.restart().await;
    assert!(world.is_signed_in(&token).await, "a restart does not shorten it");
    clock.advance(2 * (MINUTE + SECOND));
    assert!(!world.is_signed_in(&token).await, "61 s after its end");
    world.program.restart().await;
    assert!(!world.is_signed_in(&token).await, "a restart does not revive it");
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_use_does_not_prolong_a_token() {
    let clock = Arc::new(MovableClock::new());
    let world =
        World::builder(TestDatabase::sqlite()).setting("USER_TOKEN_TTL", "1h").clock(&clock).start().await;
    let token = world.sign_in("google", "ada").await;
    for _ in 0..5 {
        clock.advance(11 * MINUTE);
        assert!(world.is_signed_in(&token).await);
    }
    clock.advance(7 * MINUTE);
    assert!(!world.is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_clock_that_is_put_back_refuses_what_comes_from_the_future_and_nothing_else() {
    let clock = Arc::new(MovableClock::new());
    let mut world = world_under(&clock).await;
    let token = world.sign_in("google", "ada").await;
    clock.back(30 * SECOND);
    assert!(world.is_signed_in(&token).await, "clocks of replicas may differ a little");
    clock.back(HOUR);
    assert!(!world.is_signed_in(&token).await, "it was issued in an hour that has not come");
    let earlier = world.sign_in("google", "linus").await;
    assert!(world.is_signed_in(&earlier).await, "people can sign in meanwhile");
    world.program.restart().await;
    assert!(world.is_signed_in(&earlier).await && !world.is_signed_in(&token).await);
    clock.advance(HOUR + MINUTE);
    assert!(world.is_signed_in(&earlier).await && world.is_signed_in(&token).await, "all is well again");
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_clock_that_leaps_ahead_ends_every_token_and_no_new_one() {
    let clock = Arc::new(MovableClock::new());
    let mut world = world_under(&clock).await;
    let token = world.sign_in("google", "ada").await;
    clock.advance(15 * DAY);
    assert!(!world.is_signed_in(&token).await);
    let fresh = world.sign_in("google", "ada").await;
    assert!(world.is_signed_in(&fresh).await);
    world.program.restart().await;
    assert!(world.is_signed_in(&fresh).await && !world.is_signed_in(&token).await);
}
