//! What ends a session and what begins one are in the order in which they happened, whatever clocks say.

use std::sync::Arc;
use std::time::Duration;

use vestibule_provider_emulator::{Endpoint, Provider};
use vestibule_test_support::{MovableClock, Program, ProgramBuilder, TestDatabase, eventually};

use crate::hooks::events::Events;
use crate::world::{APP, World, on_both_databases};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// As much as verifiers of tokens let pass, and a little less.
const SKEW: Duration = Duration::from_secs(50);

/// The commands by which an operator ends the sessions of a user.
const ENDINGS: [&[&[&str]]; 3] =
    [&[&["disable", "ID"], &["enable", "ID"]], &[&["sign-out", "ID"]], &[&["sign-out", "--all"]]];

/// A machine beside that of the service, whose clock is right.
pub(crate) struct Operator(ProgramBuilder);

impl Operator {
    pub(crate) fn of(database: &TestDatabase) -> Self {
        Self(Program::builder().setting("DATABASE_URL", database.url()))
    }

    /// Runs the commands of one of [`ENDINGS`] on a user.
    pub(crate) async fn end(&self, commands: &[&[&str]], id: &str) {
        for command in commands {
            let arguments = command.iter().map(|argument| if *argument == "ID" { id } else { argument });
            let arguments: Vec<_> = std::iter::once("users").chain(arguments).collect();
            let output = self.0.run(&arguments).await;
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

async fn id_of(world: &World, token: &str) -> String {
    world.profile(token).await["id"].as_str().unwrap().to_owned()
}

/// Ends the session of a person in each way. A new sign-in counts at once, and no other does.
async fn end_and_begin(world: &World) -> Vec<String> {
    let operator = Operator::of(&world.database);
    let mut ended = Vec::new();
    for ending in ENDINGS {
        let token = world.sign_in("google", "ada").await;
        operator.end(ending, &id_of(world, &token).await).await;
        world.until_signed_out(&token).await;
        ended.push(token);
        let fresh = world.sign_in("google", "ada").await;
        assert!(world.is_signed_in(&fresh).await, "{ending:?}: dead at birth");
        for token in &ended {
            assert!(!world.is_signed_in(token).await, "{ending:?}: alive again");
        }
    }
    ended
}

on_both_databases! {
    async fn d9_a_service_whose_clock_is_ahead_or_behind_keeps_dead_what_the_operator_ends(database) {
        let clock = Arc::new(MovableClock::new());
        let mut world = World::builder(database).clock(&clock).start().await;
        clock.advance(SKEW);
        let mut ended = end_and_begin(&world).await;
        clock.back(2 * SKEW);
        ended.extend(end_and_begin(&world).await);
        clock.advance(SKEW + HOUR);
        ended.extend(end_and_begin(&world).await);
        for moved in [Duration::ZERO, HOUR] {
            clock.advance(moved);
            world.program.restart().await;
            for token in &ended {
                assert!(!world.is_signed_in(token).await, "an hour later");
            }
        }
    }

    /// Its token is not good before the clock has come that far.
    async fn d9_a_session_of_an_hour_that_has_not_come_is_ended_with_the_others(database) {
        let clock = Arc::new(MovableClock::new());
        let world = World::builder(database).clock(&clock).start().await;
        let operator = Operator::of(&world.database);
        let mut ended = Vec::new();
        for ending in ENDINGS {
            clock.advance(HOUR);
            ended.push(world.sign_in("google", "ada").await);
            clock.back(HOUR);
            let token = world.sign_in("google", "ada").await;
            operator.end(ending, &id_of(&world, &token).await).await;
        }
        clock.advance(HOUR);
        ended.push(world.sign_in("google", "ada").await);
        clock.back(HOUR);
        let token = world.sign_in("google", "ada").await;
        assert_eq!(world.post_as(&token, "/auth/logout", &[("all", "true")]).await.status, 200);
        clock.advance(HOUR + MINUTE);
        for token in &ended {
            world.until_signed_out(token).await;
        }
    }

    async fn c7_g3_a_sign_in_that_an_extension_holds_does_not_survive_the_end_of_its_session(database) {
        let clock = Arc::new(MovableClock::new());
        let mut events = Events::listen().await;
        let world = events.configure(World::builder(database)).clock(&clock).start().await;
        let (operator, world) = (Operator::of(&world.database), Arc::new(world));
        clock.advance(SKEW);
        for ending in ENDINGS {
            let signing_in = {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.finish_sign_in("google", "ada").await })
            };
            let held = events.next("user.login").await;
            operator.end(ending, held.user["id"].as_str().unwrap()).await;
            held.answer(None).await;
            let answer = signing_in.await.unwrap();
            assert_eq!(answer.location_parameter("jwt"), None, "{ending:?}");
            let error = answer.location_parameter("error").unwrap_or_default();
            assert!(["sign_in_failed", "account_disabled"].contains(&error.as_str()), "{ending:?}: {error}");
        }
    }

    /// A token from another machine is good there and not yet here; whoever signs out here is signed out all the same.
    async fn d9_a_sign_out_where_the_clock_is_behind_ends_a_token_that_is_not_good_there_yet(database) {
        let clock = Arc::new(MovableClock::new());
        let world = World::builder(database).clock(&clock).start().await;
        for all in ["false", "true"] {
            clock.advance(HOUR);
            let token = world.sign_in("google", "ada").await;
            clock.back(HOUR);
            assert!(!world.is_signed_in(&token).await, "an hour too early");
            assert_eq!(world.post_as(&token, "/auth/logout", &[("all", all)]).await.status, 200);
            clock.advance(HOUR);
            world.until_signed_out(&token).await;
            clock.back(HOUR);
        }
    }

    async fn c7_a_sign_in_that_the_provider_holds_is_refused_when_its_user_was_disabled_meanwhile(database) {
        let clock = Arc::new(MovableClock::new());
        let world = Arc::new(World::builder(database).clock(&clock).start().await);
        let control = world.control();
        control.set_slow_delay(Duration::ZERO);
        let id = id_of(&world, &world.sign_in("google", "slow").await).await;
        clock.advance(SKEW);
        control.set_slow_delay(Duration::from_secs(2));
        let browser = world.browser();
        let callback = world.reach_callback(&browser, "google", "slow", APP).await;
        let asked = control.requests(Provider::Google, Endpoint::Token);
        let finishing = tokio::spawn(async move { browser.get(callback.as_str()).await });
        let reached = async || control.requests(Provider::Google, Endpoint::Token) > asked;
        eventually("the provider is asked to exchange the code", reached).await;
        Operator::of(&world.database).end(&[&["disable", "ID"]], &id).await;
        let answer = finishing.await.unwrap();
        assert_eq!(answer.location_parameter("error").as_deref(), Some("account_disabled"));
    }
}
