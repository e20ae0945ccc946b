//! Health and the end.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vestibule_plugin_host::{CallFailure, InstanceSettings, Isolation, Unavailability};

use crate::support::{Folder, ask, config, exhaust, impatient};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn health_is_what_the_plugin_says() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    let inline =
        |fault: &str| InstanceSettings { isolation: Isolation::Inline, ..config(&json!({"fault": fault})) };
    let well = folder.serve("faulty-plugin", inline("none")).unwrap();
    assert_eq!(well.health(), Ok(()));
    let unwell = folder.serve("faulty-plugin", inline("unhealthy")).unwrap();
    let reason = unwell.health().unwrap_err();
    assert_eq!(reason, "the plugin \"billing\" is not able to work: it says so");
}

#[test]
fn health_on_threads_arrives_with_a_later_inquiry() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    let host = folder.serve("faulty-plugin", config(&json!({"fault": "unhealthy"}))).unwrap();
    let started = Instant::now();
    while host.health().is_ok() {
        assert!(started.elapsed() < LONG, "the plugin never said so");
        thread::yield_now();
    }
}

#[tokio::test]
async fn e3_a_panic_in_destroy_goes_no_further() {
    let folder = Folder::with_built(&["faulty-plugin"]);
    for isolation in [Isolation::Thread, Isolation::Inline] {
        let settings = InstanceSettings { isolation, ..config(&json!({"fault": "panic-in-destroy"})) };
        let host = folder.serve("faulty-plugin", settings).unwrap();
        assert!(ask(&host, "billing", "ada").await.is_ok());
        assert_eq!(host.close(LONG), Vec::<String>::new());
        let closed = CallFailure::Unavailable { alias: "billing".to_owned(), cause: Unavailability::Closed };
        assert_eq!(ask(&host, "billing", "ada").await, Err(closed));
    }
}

#[tokio::test]
async fn e4_closing_does_not_wait_for_what_hangs() {
    let folder = Folder::with_variant(&["HANG"]);
    let host = folder.serve("variant", impatient()).unwrap();
    exhaust(&host, "billing").await;
    assert_eq!(host.close(Duration::from_millis(50)), ["billing"]);
}
