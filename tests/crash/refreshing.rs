//! The program is killed while programs refresh what was lent to them, and answers get lost besides. Whoever holds the latest token
//! that arrived goes on, whenever that is.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use tokio::sync::watch;
use tokio::task::JoinSet;
use vestibule_test_support::{Answer, Client, MovableClock, TestDatabase};

use super::{Chance, seed};
use crate::world::World;

/// On each of the two databases.
const CYCLES: u32 = 100;
const DEVICES: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn h5_h15_two_hundred_kills_while_refreshing_and_lost_answers_sign_nobody_out() {
    let seed = seed();
    eprintln!("CRASH_SEED={seed}");
    let on_sqlite = tokio::spawn(kill_again_and_again("SQLite", TestDatabase::sqlite(), Chance(seed)));
    let on_postgres =
        tokio::spawn(kill_again_and_again("PostgreSQL", TestDatabase::postgres(), Chance(!seed)));
    on_sqlite.await.expect("nobody is signed out with SQLite");
    on_postgres.await.expect("nobody is signed out with PostgreSQL");
}

/// A program of a person. It stores the tokens of an answer before it uses them.
struct Device {
    refresh: String,
    chance: Chance,
    refreshed: u32,
    lost: u32,
    cut_off: u32,
}

async fn kill_again_and_again(name: &str, database: TestDatabase, mut chance: Chance) {
    let clock = Arc::new(MovableClock::new());
    let world = World::builder(database).clock(&clock).without_limits();
    let mut world = world.setting("RATE_LIMIT_REFRESH_PER_ACCOUNT", "off").start().await;
    let user = world.sign_in("google", "ada").await;
    let mut devices = Vec::new();
    for _ in 0..DEVICES {
        let lent = [("grant_type", "session"), ("client_name", "Phone"), ("services", "storage")];
        let refresh = text(&world.post_as(&user, "/auth/token", &lent).await, "refresh_token");
        let chance = Chance(chance.below(u64::MAX));
        devices.push(Device { refresh, chance, refreshed: 0, lost: 0, cut_off: 0 });
    }
    for cycle in 0..CYCLES {
        devices = kill_under_refreshes(&mut world, devices, &mut chance).await;
        if name == "SQLite" || cycle % 10 == 0 {
            world.database.assert_consistent();
        }
        // Within the grace, and beyond it.
        clock.advance(Duration::from_secs(chance.below(150)));
        world.program.start_again().await;
    }
    let sum = |count: fn(&Device) -> u32| devices.iter().map(count).sum::<u32>();
    let (refreshed, lost, cut_off) =
        (sum(|device| device.refreshed), sum(|device| device.lost), sum(|device| device.cut_off));
    eprintln!(
        "{name}: {CYCLES} kills, {refreshed} refreshes, {lost} answers lost, {cut_off} requests cut off"
    );
    assert!(refreshed > 500 && lost > 100 && cut_off > 50, "{refreshed} {lost} {cut_off}");
    for device in devices {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", device.refresh.as_str())];
        let answer = world.browser().post_form("/auth/token", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    world.database.assert_consistent();
}

/// Lets the devices refresh until the program is killed in the middle of it; at another moment in each cycle.
async fn kill_under_refreshes(world: &mut World, devices: Vec<Device>, chance: &mut Chance) -> Vec<Device> {
    let (begun, mut watched) = watch::channel(0);
    let mut running = JoinSet::new();
    for mut device in devices {
        let network = Network { client: world.browser(), begun: begun.clone() };
        running.spawn(async move {
            while device.act(&network).await.is_some() {}
            device.cut_off += 1;
            device
        });
    }
    let moment = 1 + chance.below(40);
    watched.wait_for(|count| u64::from(*count) >= moment).await.expect("the devices refresh");
    // Somewhere within the work of a request.
    tokio::time::sleep(Duration::from_micros(chance.below(8_000))).await;
    world.program.kill().await;
    running.join_all().await
}

/// Sends requests that may be cut off, and counts those that begin.
struct Network {
    client: Client,
    begun: watch::Sender<u32>,
}

impl Network {
    async fn send(&self, request: RequestBuilder) -> Option<Answer> {
        self.begun.send_modify(|count| *count += 1);
        self.client.try_send(request).await.ok()
    }
}

impl Device {
    /// Refreshes, and perhaps uses what came. `None` when it was cut off.
    async fn act(&mut self, network: &Network) -> Option<()> {
        let request = network.client.request(Method::PUT, "/auth/token/refresh").bearer_auth(&self.refresh);
        let answer = network.send(request).await?;
        assert_eq!(answer.status, 200, "signed out: {}", answer.body);
        if self.chance.below(4) == 0 {
            self.lost += 1;
            return Some(());
        }
        self.refresh = text(&answer, "refresh_token");
        self.refreshed += 1;
        if self.chance.below(2) == 0 {
            let access = text(&answer, "access_token");
            let request = network.client.request(Method::GET, "/auth/session").bearer_auth(access);
            let used = network.send(request).await?;
            assert_eq!(used.status, 200, "{}", used.body);
        }
        Some(())
    }
}

fn text(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()[name].as_str().expect("a token").to_owned()
}
