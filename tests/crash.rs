//! The program is killed under requests, again and again. Whatever it acknowledged is there when it runs again, and
//! nothing is half done.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;
use vestibule_provider_emulator::Persona;
use vestibule_test_support::{Answer, Client, TestDatabase};

use crate::world::{World, on_both_databases};

const CYCLES: u32 = 20;
const CALLERS: u32 = 3;

on_both_databases! {
    async fn l1_whatever_was_acknowledged_survives_a_kill_and_nothing_is_half_done(database) {
        let mut world = World::on(database).await;
        let mut acknowledged = Vec::new();
        for cycle in 0..CYCLES {
            let stories = kill_under_requests(&mut world, cycle).await;
            world.program.start_again().await;
            for story in &stories {
                story.assert_kept(&world).await;
            }
            acknowledged.extend(stories);
        }
        assert!(acknowledged.iter().filter(|story| story.token.is_some()).count() > 20, "much was acknowledged");
        for story in &acknowledged {
            story.assert_kept(&world).await;
        }
        assert_one_user_each(&world, &acknowledged).await;
    }
}

/// What one person did, as far as it was acknowledged.
#[derive(Debug, Default, Clone)]
struct Story {
    persona: String,
    token: Option<String>,
    has_username: bool,
    signed_out: bool,
    /// The request that the kill cut off, if it was one of this person's.
    cut_off_at: Option<&'static str>,
}

/// One browser, whose requests may be cut off, and which counts those that it begins.
struct Caller {
    client: Client,
    begun: watch::Sender<u32>,
}

/// Lets some callers sign people in, name them and sign them out, until the program is killed in the middle of it; at
/// another moment in each cycle.
async fn kill_under_requests(world: &mut World, cycle: u32) -> Vec<Story> {
    let (begun, mut watched) = watch::channel(0);
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let caller = Caller { client: world.browser(), begun: begun.clone() };
        let first = (cycle * CALLERS + number) * 100;
        let people: Vec<_> = (first..first + 50).map(|number| person(world, number)).collect();
        callers.spawn(async move {
            let mut stories = Vec::new();
            for persona in people {
                let story = caller.live(persona).await;
                let cut_off = story.cut_off_at.is_some();
                stories.push(story);
                if cut_off {
                    break;
                }
            }
            stories
        });
    }
    let moment = 2 + cycle * 7 % 23;
    watched.wait_for(|count| *count >= moment).await.expect("the callers call");
    for _ in 0..cycle {
        tokio::task::yield_now().await;
    }
    world.program.kill().await;
    callers.join_all().await.into_iter().flatten().collect()
}

fn person(world: &World, number: u32) -> String {
    let id = format!("person-{number}");
    world.control().put_persona(Persona::ordinary(&id, &format!("Person {number}"), number + 1));
    id
}

impl Caller {
    /// Sends a request to the program; nothing when it was cut off.
    async fn send(&self, request: RequestBuilder) -> Option<Answer> {
        self.begun.send_modify(|count| *count += 1);
        self.client.try_send(request).await.ok()
    }

    async fn live(&self, persona: String) -> Story {
        let mut story = Story { persona, ..Story::default() };
        story.cut_off_at = self.act(&mut story).await.err();
        story
    }

    async fn act(&self, story: &mut Story) -> Result<(), &'static str> {
        let token = self.sign_in(&story.persona).await.ok_or("sign-in")?;
        story.token = Some(token.clone());
        let username = [("username", story.persona.as_str())];
        let request = self.client.request(Method::POST, "/auth/update").bearer_auth(&token).form(&username);
        let answer = self.send(request).await.ok_or("username")?;
        assert_eq!(answer.json(), json!({"success": true}));
        story.has_username = true;
        if story.persona.ends_with(['0', '2', '4', '6', '8']) {
            let request = self.client.request(Method::POST, "/auth/logout").bearer_auth(&token);
            let answer = self.send(request).await.ok_or("sign-out")?;
            assert_eq!(answer.json(), json!({"success": true}));
            story.signed_out = true;
        }
        Ok(())
    }

    async fn sign_in(&self, persona: &str) -> Option<String> {
        let started = self.send(self.client.request(Method::GET, "/auth/login/google")).await?;
        let mut consent: Url = started.location();
        consent.query_pairs_mut().append_pair("persona", persona);
        let consented = self.client.get(consent.as_str()).await;
        let request = self.client.request(Method::GET, consented.location().as_str());
        let answer = self.send(request).await?;
        Some(answer.location_parameter("jwt").expect("a token"))
    }
}

impl Story {
    async fn assert_kept(&self, world: &World) {
        let Some(token) = &self.token else { return };
        let answer = world.check(token).await;
        let owner = world.browser().get(&format!("/auth/resolve?username={}", self.persona)).await.json();
        if self.signed_out {
            assert_eq!(answer["authenticated"], false, "{self:?}: a sign-out was forgotten");
        } else if self.cut_off_at != Some("sign-out") {
            assert_eq!(answer["authenticated"], true, "{self:?}: a session was forgotten");
            let profile = &answer["profile"];
            assert_eq!(profile["email"], format!("{}@example.com", self.persona).as_str(), "{self:?}");
            assert_eq!(
                profile["username"] == self.persona.as_str(),
                owner["userid"] == profile["id"],
                "{self:?}"
            );
        }
        if self.has_username {
            assert_ne!(owner["userid"], Value::Null, "{self:?}: a username was forgotten");
        }
    }
}

/// Whoever was cut off can do it again, and nobody is there twice.
async fn assert_one_user_each(world: &World, stories: &[Story]) {
    for story in stories.iter().filter(|story| story.cut_off_at.is_some()) {
        let token = world.sign_in("google", &story.persona).await;
        let answer = world.post_as(&token, "/auth/update", &[("username", &story.persona)]).await;
        let profile = world.profile(&token).await;
        assert_eq!(profile["username"], story.persona.as_str(), "{story:?}: {}", answer.body);
    }
    let listed = world.program.run(&["users", "list"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut by_address = BTreeMap::new();
    for line in listed.lines() {
        let address = line.split_whitespace().nth(2).expect("an address").to_owned();
        *by_address.entry(address).or_insert(0) += 1;
    }
    let expected = stories.iter().map(|story| (format!("{}@example.com", story.persona), 1));
    assert_eq!(by_address, expected.collect());
}
