//! What apps keep in sessions.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::{ServiceName, SessionData, SessionLimits};
use vestibule_storage::{DataWrite, Storage, VersionedData};

use crate::bench::{Bench, GITHUB, SignedIn, all_at_once, at, event, on_both_databases, person};
use crate::consistency::{count, execute};

fn app(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

fn data(value: Value) -> SessionData {
    SessionData::new(value).unwrap()
}

async fn write(storage: &Storage, of: &SignedIn, name: &str, seen: i64, value: Value) -> DataWrite {
    storage.write_session_data(&of.session.id, &app(name), seen, &data(value), at(1)).await.unwrap()
}

async fn find(bench: &Bench, of: &SignedIn, name: &str) -> VersionedData {
    bench.storage.find_session_data(&of.session.id, &app(name)).await.unwrap()
}

on_both_databases! {
    async fn g10_an_object_has_versions_and_is_one_apps_alone(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        assert_eq!(find(bench, &ada, "wiki").await, VersionedData::default());
        assert_eq!(write(&bench.storage, &ada, "wiki", 0, json!({"a": 1})).await, DataWrite::Written(1));
        assert_eq!(write(&bench.storage, &ada, "wiki", 1, json!({"a": 2})).await, DataWrite::Written(2));
        let now = VersionedData { data: data(json!({"a": 2})), version: 2 };
        for stale in [0, 1, 3] {
            assert_eq!(write(&bench.storage, &ada, "wiki", stale, json!({})).await, DataWrite::Stale(now.clone()));
        }
        assert_eq!(find(bench, &ada, "wiki").await, now);
        assert_eq!(find(bench, &ada, "board").await, VersionedData::default());
        let other = bench.sign_in(&person(GITHUB, "7")).await;
        assert_eq!(find(bench, &other, "wiki").await, VersionedData::default(), "nor another session's");
    }

    async fn g3_a_slow_writer_writes_nothing_into_a_session_that_has_ended(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        write(&bench.storage, &ada, "wiki", 0, json!({"a": 1})).await;
        bench.storage.revoke_session(&ada.user.id, &ada.session.id, at(1), &event()).await.unwrap();
        for (name, seen) in [("wiki", 1), ("board", 0)] {
            assert_eq!(write(&bench.storage, &ada, name, seen, json!({"b": 2})).await, DataWrite::SessionEnded);
        }
        assert!(!bench.is_live(&ada, at(1)).await);
        assert_eq!(find(bench, &ada, "wiki").await.version, 1);

        let eve = bench.sign_in(&person(GITHUB, "8")).await;
        write(&bench.storage, &eve, "wiki", 0, json!({})).await;
        bench.storage.disable_user(&eve.user.id, at(1), &event()).await.unwrap();
        assert_eq!(write(&bench.storage, &eve, "wiki", 1, json!({})).await, DataWrite::SessionEnded);
    }

    async fn g4_a_browser_session_that_is_unused_or_too_old_takes_no_data(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let limits = SessionLimits { idle: Duration::from_secs(600), max_age: Duration::from_secs(900) };
        let storage = bench.storage.with_session_limits(limits);
        let browser = format!("UPDATE sessions SET kind = 'browser', signed_in_at = {}", at(0).micros());
        execute(bench.database.url(), &browser).await;
        let (wiki, empty) = (app("wiki"), SessionData::default());
        let write = async |seen, seconds| {
            storage.write_session_data(&ada.session.id, &wiki, seen, &empty, at(seconds)).await.unwrap()
        };
        assert_eq!(write(0, 599).await, DataWrite::Written(1));
        assert_eq!(write(1, 600).await, DataWrite::SessionEnded);
        storage.touch_session(&ada.session.id, at(599)).await.unwrap();
        assert_eq!(write(1, 899).await, DataWrite::Written(2));
        assert_eq!(write(2, 900).await, DataWrite::SessionEnded);
    }

    async fn g10_of_writers_at_once_each_sees_what_the_others_wrote(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        let writers: Vec<_> = (0..8).map(|number| {
            let storage = if number % 2 == 0 { bench.storage.clone() } else { bench.replica() };
            let ada = ada.clone();
            async move {
                let (wiki, mut seen, mut present) = (app("wiki"), 0, SessionData::default());
                loop {
                    let patch = json!({(format!("k{number}")): number});
                    let next = present.clone().patched(&patch).unwrap();
                    let write = storage.write_session_data(&ada.session.id, &wiki, seen, &next, at(1));
                    match write.await.unwrap() {
                        DataWrite::Written(_) => return,
                        DataWrite::Stale(newer) => (seen, present) = (newer.version, newer.data),
                        other => panic!("{other:?}"),
                    }
                }
            }
        }).collect();
        all_at_once(writers).await;
        let found = find(bench, &ada, "wiki").await;
        assert_eq!((found.version, found.data.as_object().len()), (8, 8), "nobody's member is lost");
    }

    async fn k6_sixteen_apps_keep_data_in_a_session_and_it_goes_with_the_session(bench: &Bench) {
        let ada = bench.sign_in(&person(GITHUB, "7")).await;
        for number in 0..16 {
            assert_eq!(write(&bench.storage, &ada, &format!("app{number}"), 0, json!({})).await, DataWrite::Written(1));
        }
        assert_eq!(write(&bench.storage, &ada, "app16", 0, json!({})).await, DataWrite::TooManyApps);
        assert_eq!(write(&bench.storage, &ada, "app3", 1, json!({})).await, DataWrite::Written(2));
        bench.storage.delete_user(&ada.user.id, &event()).await.unwrap();
        assert_eq!(count(bench.database.url(), "SELECT count(*) AS n FROM session_data").await, 0);
    }
}
