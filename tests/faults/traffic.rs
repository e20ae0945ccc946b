//! Everybody else: 200 requests a second, or as many as the machine can take.

use std::time::Duration;

use reqwest::Method;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use vestibule_test_support::{Answer, Client};

use crate::world::World;

pub(super) const CALLERS: usize = 8;
/// Between two requests of one caller.
const PACE: Duration = Duration::from_millis(40);
/// What each of them asks at least.
const LEAST: usize = 50;

/// Requests that go on until [`Traffic::finish`].
pub(super) struct Traffic {
    callers: JoinSet<Vec<Answer>>,
    stop: watch::Sender<bool>,
    well: watch::Sender<usize>,
}

impl Traffic {
    /// Asks in turn whether a token counts and for permissions at these services.
    pub(super) fn start(world: &World, token: &str, services: &[&str]) -> Self {
        let mut addresses = vec!["/auth/check".to_owned()];
        addresses.extend(services.iter().map(|service| format!("/auth/authorize?service={service}")));
        let (stop, well) = (watch::Sender::new(false), watch::Sender::new(0));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let caller = Caller { client: world.browser(), token: token.to_owned(), well: well.clone() };
            callers.spawn(caller.go_on(addresses.clone(), stop.subscribe()));
        }
        Self { callers, stop, well }
    }

    /// Waits until so many more requests have been answered well.
    pub(super) async fn go_on_for(&self, more: usize) {
        let mut well = self.well.subscribe();
        let goal = *well.borrow() + more;
        well.wait_for(|count| *count >= goal).await.unwrap();
    }

    /// Ends it; the answers that were not what was asked for.
    pub(super) async fn finish(self) -> Vec<Answer> {
        self.stop.send_replace(true);
        let unwell = self.callers.join_all().await.concat();
        assert!(*self.well.borrow() + unwell.len() >= CALLERS * LEAST);
        unwell
    }

    /// Ends it, and every answer was what was asked for.
    pub(super) async fn finish_well(self) {
        let unwell = self.finish().await;
        assert!(unwell.is_empty(), "{} answers: {:?}", unwell.len(), unwell.first());
    }
}

struct Caller {
    client: Client,
    token: String,
    well: watch::Sender<usize>,
}

impl Caller {
    async fn go_on(self, addresses: Vec<String>, stop: watch::Receiver<bool>) -> Vec<Answer> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unwell = Vec::new();
        for (number, address) in addresses.iter().cycle().enumerate() {
            if number >= LEAST && *stop.borrow() {
                break;
            }
            pace.tick().await;
            let request = self.client.request(Method::GET, address).bearer_auth(&self.token);
            let answer = self.client.send(request).await;
            if is_well(&answer) {
                self.well.send_modify(|count| *count += 1);
            } else {
                unwell.push(answer);
            }
        }
        unwell
    }
}

fn is_well(answer: &Answer) -> bool {
    let has_what_was_asked = |answer: &serde_json::Value| {
        answer["authenticated"] == true || (answer["token"].is_string() && answer["permissions"].is_object())
    };
    answer.status == 200 && has_what_was_asked(&answer.json())
}
