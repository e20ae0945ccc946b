//! Choosing a username when others choose at the same time.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::{Method, TestDatabase};

use crate::sign_out::start_neighbour;
use crate::world::{World, on_both_databases};

const TAKEN: &str = "this username is taken";
const ALREADY_SET: &str = "the username is already set and cannot be changed";

/// How many at once the races let loose.
const CROWD: u32 = 50;

fn done() -> Value {
    json!({"success": true})
}

fn refused(reason: &str) -> Value {
    json!({"success": false, "error": reason})
}

async fn choose(world: &World, token: &str, username: &str) -> Value {
    let answer = world.post_as(token, "/auth/update", &[("username", username)]).await;
    assert_eq!(answer.status, 200, "{username:?}: {}", answer.body);
    answer.json()
}

async fn resolve(world: &World, encoded_username: &str) -> Value {
    let answer = world.browser().get(&format!("/auth/resolve?username={encoded_username}")).await;
    assert_eq!(answer.status, 200, "{encoded_username}: {}", answer.body);
    answer.json()["userid"].clone()
}

/// Makes people who can sign in, and signs all of them in at once.
async fn sign_in_crowd(world: &Arc<World>, count: u32) -> Vec<String> {
    let mut sign_ins = JoinSet::new();
    for number in 1..=count {
        let id = format!("crowd-{number}");
        world.control().put_persona(Persona::ordinary(&id, &id, number));
        let world = Arc::clone(world);
        sign_ins.spawn(async move { world.sign_in("google", &id).await });
    }
    sign_ins.join_all().await
}

/// Sends all of these choices at once; what each was answered.
async fn race(world: &Arc<World>, choices: Vec<(String, String)>) -> Vec<(String, Value)> {
    let mut requests = JoinSet::new();
    for (token, username) in choices {
        let world = Arc::clone(world);
        requests.spawn(async move {
            let answer = choose(&world, &token, &username).await;
            (username, answer)
        });
    }
    requests.join_all().await
}

/// `wanted` with the bits of `mask` as capitals.
fn in_capitals(wanted: &str, mask: u32) -> String {
    let letters = wanted.chars().enumerate();
    letters.map(|(bit, c)| if mask >> bit & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect()
}

on_both_databases! {
    /// One user in a hurry ends with one name.
    async fn f2_of_fifty_names_at_once_one_user_gets_exactly_one(database) {
        let world = Arc::new(World::on(database).await);
        let token = world.sign_in("google", "ada").await;
        let choices = (0..CROWD).map(|number| (token.clone(), format!("name-{number}"))).collect();
        let answers = race(&world, choices).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| *answer == done());
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(lost.iter().all(|(_, answer)| *answer == refused(ALREADY_SET)), "{lost:?}");
        assert_eq!(world.profile(&token).await["username"], won[0].0);
    }

    /// One name that everybody wants goes to one of them.
    async fn f2_of_fifty_users_at_once_exactly_one_gets_the_name(database) {
        let world = Arc::new(World::on(database).await);
        let tokens = sign_in_crowd(&world, CROWD).await;
        let choices = tokens.iter().cloned().zip((0..).map(|mask| in_capitals("coveted", mask))).collect();
        let answers = race(&world, choices).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| *answer == done());
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(lost.iter().all(|(_, answer)| *answer == refused(TAKEN)), "{lost:?}");
        let mut holders = Vec::new();
        for token in &tokens {
            let profile = world.profile(token).await;
            if profile.get("username").is_some() {
                assert_eq!(profile["username"], "coveted");
                holders.push(profile["id"].clone());
            }
        }
        assert_eq!(holders, [resolve(&world, "coveted").await]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_two_processes_on_one_database_agree_on_the_winner() {
    let database = TestDatabase::postgres();
    let url = database.url().to_owned();
    let world = World::on(database).await;
    let neighbour = start_neighbour(&world, &url).await;
    let (ada, linus) = (world.sign_in("google", "ada").await, world.sign_in("google", "linus").await);
    for round in 0..10 {
        let name = format!("round-{round}");
        let fields = [("username", name.as_str())];
        let there = neighbour.client();
        let at_neighbour =
            there.send(there.request(Method::POST, "/auth/update").bearer_auth(&linus).form(&fields));
        let (here, there) = tokio::join!(world.post_as(&ada, "/auth/update", &fields), at_neighbour);
        assert_eq!((here.status.as_u16(), there.status.as_u16()), (200, 200), "{} {}", here.body, there.body);
    }
    let (ada, linus) =
        (world.profile(&ada).await["username"].clone(), world.profile(&linus).await["username"].clone());
    assert!(ada.is_string() && linus.is_string() && ada != linus, "{ada} {linus}");
}
