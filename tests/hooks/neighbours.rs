//! Sign-ins of one person beside each other, whose extension answers the later one first.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vestibule_test_support::TestDatabase;

use super::events::{Event, Events, SETTINGS};
use crate::replicas::stage::{Fleet, Site};
use crate::world::{World, on_both_databases};

/// Where people sign in: at one program, or at two by turns.
trait Place: Send + Sync + 'static {
    fn sign_in(&self, turn: usize) -> impl Future<Output = String> + Send;
    fn logs(&self) -> String;
}

impl Place for World {
    async fn sign_in(&self, _turn: usize) -> String {
        World::sign_in(self, "google", "ada").await
    }

    fn logs(&self) -> String {
        self.program.logs()
    }
}

impl Place for Fleet {
    async fn sign_in(&self, turn: usize) -> String {
        Fleet::sign_in(self, "ada", turn, turn).await
    }

    fn logs(&self) -> String {
        self.replicas.iter().map(vestibule_test_support::Program::logs).collect()
    }
}

struct Stage<P> {
    place: Arc<P>,
    events: Events,
}

impl<P: Place> Stage<P> {
    /// A sign-in that goes on, and the event that it waits for.
    async fn begin(&mut self, turn: usize) -> (JoinHandle<String>, Event) {
        let place = Arc::clone(&self.place);
        let signing_in = tokio::spawn(async move { place.sign_in(turn).await });
        (signing_in, self.events.next("user.login").await)
    }

    /// A sign-in that is answered with this; what the extension was told of the user.
    async fn sign_in(&mut self, turn: usize, patch: &Value) -> Value {
        let (signing_in, event) = self.begin(turn).await;
        let user = event.user.clone();
        event.answer(Some(patch)).await;
        signing_in.await.unwrap();
        user
    }

    /// Sets the user up, answers a sign-in with `fast` while another waits for `slow`, and answers the user afterwards. An
    /// answer that a busy machine has made too late for its sign-in is given again in another round.
    async fn race(&mut self, before: &Value, fast: &Value, slow: &Value) -> Value {
        for _ in 0..20 {
            self.sign_in(0, &json!({"attributes": null})).await;
            self.sign_in(1, before).await;
            let (slow_sign_in, held) = self.begin(0).await;
            self.sign_in(1, fast).await;
            let late = self.place.logs().matches("timeout").count();
            held.answer(Some(slow)).await;
            slow_sign_in.await.unwrap();
            let user = self.sign_in(1, &json!({})).await;
            if self.place.logs().matches("timeout").count() == late {
                return user;
            }
        }
        panic!("no answer came within a second in twenty rounds");
    }
}

/// What a hook that is slower does not name stays as its neighbour has left it.
async fn assert_both_count<P: Place>(mut stage: Stage<P>) {
    let before = json!({"attributes": {"old": 1, "team": {"a": 1, "b": 2}}});
    let fast = json!({
        "avatar_url": "https://pictures.example.com/new.png",
        "attributes": {"banned": true, "team": {"a": null, "c": {"d": 1}}},
    });
    let slow = json!({"attributes": {"slow": true, "old": null, "team": {"b": 3}}});
    let user = stage.race(&before, &fast, &slow).await;
    let expected = json!({"banned": true, "slow": true, "team": {"b": 3, "c": {"d": 1}}});
    assert_eq!(user["attributes"], expected);
}

async fn assert_bounds_hold<P: Place>(mut stage: Stage<P>) {
    let half = |name: &str| json!({"attributes": {name: "x".repeat(9_000)}});
    let user = stage.race(&json!({}), &half("fast"), &half("slow")).await;
    let members: Vec<_> = user["attributes"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["fast"], "together they would be too large");
    assert!(stage.place.logs().contains("would become too large"), "{}", stage.place.logs());
}

async fn one_program(database: TestDatabase) -> Stage<World> {
    let events = Events::listen().await;
    let world = events.configure(World::builder(database)).start().await;
    Stage { place: Arc::new(world), events }
}

async fn two_replicas() -> Stage<Fleet> {
    let (site, events) = (Site::new().await, Events::listen().await);
    site.generate_keys().await;
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let replica =
            SETTINGS.iter().fold(site.replica(), |replica, (name, value)| replica.setting(name, value));
        replicas.push(replica.config(&events.table()).start().await);
    }
    Stage { place: Arc::new(Fleet { replicas, site }), events }
}

on_both_databases! {
    async fn g3_what_an_extension_wrote_stays_when_a_slower_sign_in_ends(database) {
        assert_both_count(one_program(database).await).await;
    }

    async fn g3_attributes_that_two_sign_ins_write_are_bounded_together(database) {
        assert_bounds_hold(one_program(database).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_what_an_extension_wrote_at_one_replica_stays_when_a_slower_sign_in_ends_at_another() {
    assert_both_count(two_replicas().await).await;
}
