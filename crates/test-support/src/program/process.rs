//! Where the program is, and waiting for processes.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Between two looks at something that has no event to wait for.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// When whatever has begun now is taken to hang.
pub(super) fn limit() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Waits until a process has ended; nothing when it does not.
pub(super) async fn end_of(child: &mut Child) -> Option<ExitStatus> {
    let deadline = limit();
    while Instant::now() < deadline {
        let status = child.try_wait().expect("our own child can be waited for");
        if status.is_some() {
            return status;
        }
        sleep(PAUSE).await;
    }
    None
}

/// `target/PROFILE/vestibule`, next to the `deps` folder with the running test.
pub(super) fn built_program() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
    profile.join("vestibule")
}
