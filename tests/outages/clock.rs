//! The clock jumps. What that means for one token is the matter of `tokens::time`; here it jumps under requests.

use std::sync::Arc;
use std::time::Duration;

use vestibule_test_support::{MovableClock, TestDatabase};

use super::stage::Stage;
use crate::authorize::granted;
use crate::world::{APP, World};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn under_a_clock() -> (Arc<MovableClock>, Stage) {
    let clock = Arc::new(MovableClock::new());
    let stage = Stage::set(World::builder(TestDatabase::sqlite()).clock(&clock)).await;
    (clock, stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_the_clock_jumps_to_and_fro_under_requests() {
    let (clock, mut stage) = under_a_clock().await;
    for _ in 0..5 {
        for (forward, by) in [(false, HOUR), (true, HOUR), (true, 15 * DAY), (false, 15 * DAY)] {
            let jump = async {
                tokio::task::yield_now().await;
                if forward { clock.advance(by) } else { clock.back(by) }
            };
            let (answers, ()) = tokio::join!(stage.ask_for_everything(), jump);
            answers.assert_only(&[200, 303, 400, 401, 403, 404], "clock jumps");
        }
    }
    assert!(!stage.world.program.logs().contains("panicked"));
    assert_does_not_spin(&stage).await;
    stage.world.program.restart().await;
    stage.world.database.assert_consistent();
    let fresh = stage.world.sign_in("google", "ada").await;
    assert!(stage.world.is_signed_in(&fresh).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_the_clock_leaps_ahead_and_what_was_over_stays_over_after_a_restart() {
    let (clock, mut stage) = under_a_clock().await;
    let browser = stage.world.browser();
    let begun = stage.world.reach_callback(&browser, "google", "ada", APP).await;
    clock.advance(15 * DAY);
    for _ in 0..2 {
        assert!(!stage.is_signed_in().await, "the session is over");
        assert_eq!(browser.get(begun.as_str()).await.status, 400, "the sign-in is over");
        stage.world.program.restart().await;
    }
    assert_does_not_spin(&stage).await;
}

/// A sign-in that was used before stays used when its hour comes again, and the caches give what they would have given.
#[tokio::test(flavor = "multi_thread")]
async fn d5_the_clock_is_put_back_and_what_was_used_stays_used() {
    let (clock, stage) = under_a_clock().await;
    let browser = stage.world.browser();
    let used = stage.world.reach_callback(&browser, "google", "ada", APP).await;
    let answer = browser.get(used.as_str()).await;
    let token = answer.location_parameter("jwt").expect("a token");
    granted(&stage.world, &token, "storage").await;
    clock.advance(2 * HOUR);
    granted(&stage.world, &token, "storage").await;
    clock.back(2 * HOUR);
    assert_eq!(browser.get(used.as_str()).await.status, 400, "it was used");
    let again = granted(&stage.world, &token, "storage").await;
    assert!(again["token"].is_string(), "{again}");
    assert_does_not_spin(&stage).await;
}

/// What the program does beside requests waits as before: in a second it uses little of a processor.
async fn assert_does_not_spin(stage: &Stage) {
    // The time itself is what is measured against.
    let before = stage.world.program.processor_ticks();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = stage.world.program.processor_ticks() - before;
    assert!(used < 50, "{used} hundredths of a second in one second without requests");
}
