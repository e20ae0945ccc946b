//! Calls that hang, queues that fill, plugins that want to be alone.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vestibule_plugin_host::{CallFailure, InstanceSettings, Isolation, PluginHost, Unavailability};

use crate::support::{Folder, ask, exhaust, impatient, parts, patient, service, spec};

fn unavailable(cause: Unavailability) -> CallFailure {
    CallFailure::Unavailable { alias: "billing".to_owned(), cause }
}

#[tokio::test]
async fn e4_a_call_that_hangs_is_given_up_and_its_thread_is_lost() {
    let folder = Folder::with_variant(&["HANG"]);
    let host = folder.serve("variant", InstanceSettings { concurrency: 2, ..impatient() }).unwrap();
    assert_eq!(host.health(), Ok(()));
    assert_eq!(ask(&host, "billing", "ada").await, Err(unavailable(Unavailability::Timeout)));
    exhaust(&host, "billing").await;
    for _ in 0..100 {
        let answer = ask(&host, "billing", "ada").await;
        let Err(CallFailure::Unavailable { cause, .. }) = answer else { panic!("{answer:?}") };
        assert!(matches!(cause, Unavailability::Stuck | Unavailability::Open(_)), "{cause}");
    }
    assert_eq!(host.gauges()[0].stuck_threads, 2);
    let reason = host.health().unwrap_err();
    assert_eq!(reason, "the plugin \"billing\" is not able to work: all its threads hang");
}

#[tokio::test]
async fn e4_other_plugins_do_not_notice() {
    let folder = Folder::with_variant(&[]);
    folder.compile("variant.c", "hangs", &["HANG"]);
    let services = vec![
        (service("bad"), spec("bad", "hangs", InstanceSettings { concurrency: 1, ..impatient() })),
        (service("good"), spec("good", "variant", patient())),
    ];
    let host = PluginHost::load(&folder.plan(services, Vec::new()), parts()).unwrap();
    for _ in 0..5 {
        assert!(ask(&host, "bad", "ada").await.is_err());
        assert!(ask(&host, "good", "ada").await.is_ok());
    }
}

#[tokio::test]
async fn e4_the_queue_is_bounded_and_does_not_keep_what_nobody_waits_for() {
    let folder = Folder::with_variant(&["HANG"]);
    let settings = InstanceSettings { concurrency: 1, queue: 1, ..patient() };
    let host = folder.serve("variant", settings).unwrap();
    let mut first = pin!(ask(&host, "billing", "ada"));
    assert!(timeout(Duration::ZERO, &mut first).await.is_err());
    {
        let mut second = pin!(ask(&host, "billing", "bob"));
        assert!(timeout(Duration::ZERO, &mut second).await.is_err());
        assert_eq!(ask(&host, "billing", "eve").await, Err(unavailable(Unavailability::QueueFull)));
    }
    let mut third = pin!(ask(&host, "billing", "eve"));
    assert!(timeout(Duration::ZERO, &mut third).await.is_err(), "the place of the second is free again");
}

#[tokio::test]
async fn calls_of_one_instance_run_at_once() {
    let folder = Folder::with_variant(&["MEET"]);
    let host = folder.serve("variant", InstanceSettings { concurrency: 2, ..patient() }).unwrap();
    let (one, other) = tokio::join!(ask(&host, "billing", "ada"), ask(&host, "billing", "bob"));
    assert!(one.is_ok() && other.is_ok());
}

/// Calls go to threads that sleep, that are just going to sleep, and that are on their way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_left_in_the_queue_while_a_thread_is_free() {
    let folder = Folder::with_variant(&[]);
    let host = Arc::new(folder.serve("variant", InstanceSettings { concurrency: 4, ..patient() }).unwrap());
    let askers = (0..8).map(|asker| {
        let host = Arc::clone(&host);
        tokio::spawn(async move {
            for _ in 0..500 {
                assert!(ask(&host, "billing", &format!("user-{asker}")).await.is_ok());
            }
        })
    });
    for asker in askers.collect::<Vec<_>>() {
        asker.await.unwrap();
    }
    assert_eq!(host.gauges()[0].inflight, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_serial_plugin_is_called_one_at_a_time() {
    let folder = Folder::with_variant(&["COUNT", "FLAGS=1"]);
    for isolation in [Isolation::Thread, Isolation::Inline] {
        let settings = InstanceSettings { isolation, concurrency: 4, ..patient() };
        let host = Arc::new(folder.serve("variant", settings).unwrap());
        let calls = (0..16).map(|number| {
            let (host, user) = (Arc::clone(&host), format!("user-{number}"));
            tokio::spawn(async move { ask(&host, "billing", &user).await })
        });
        for call in calls.collect::<Vec<_>>() {
            assert!(call.await.unwrap().is_ok(), "{isolation:?}");
        }
    }
}
