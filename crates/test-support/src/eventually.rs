//! Waiting for something that has no event to wait for.

use std::time::Duration;

use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until the answer is yes, as soon as it is. The test fails when that takes half a minute, which
/// says that it will never be: how quick something must be is not for this to judge.
///
/// # Panics
///
/// When the answer stays no; the message names `what` was waited for.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited {} s in vain: {what}", LIMIT.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
}
