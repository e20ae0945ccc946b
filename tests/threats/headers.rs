//! G1, G2, G4, G8: whose session it is, for how long, and where it came from.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use vestibule_test_support::forge::parts_of;
use vestibule_test_support::{Client, Method, MovableClock, TestDatabase};

use crate::world::{APP, World, on_both_databases};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A sign-in in this browser, with headers of somebody's choice at its last step.
async fn sign_in_with(world: &World, browser: &Client, headers: &[(&str, &str)]) -> String {
    let callback = world.reach_callback(browser, "google", "ada", APP).await;
    let request = browser.request(Method::GET, callback.as_str());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = browser.send(request).await;
    answer.location_parameter("jwt").unwrap_or_else(|| panic!("{}", answer.body))
}

fn session_of(token: &str) -> String {
    parts_of(token).1["sid"].as_str().unwrap().to_owned()
}

on_both_databases! {
    /// Neither an earlier session of the browser nor one that was planted there is taken up.
    async fn g1_every_sign_in_begins_a_session_of_its_own(database) {
        let world = World::on(database).await;
        let planted = session_of(&world.sign_in("google", "linus").await);
        let browser = world.browser();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            for name in ["sid", "session", "jwt", "poem-session"] {
                browser.set_cookie(&format!("{name}={planted}; Path=/"));
            }
            tokens.push(sign_in_with(&world, &browser, &[("auth-token", tokens.last().map_or("x", String::as_str))]).await);
        }
        let sessions: BTreeSet<_> = tokens.iter().map(|token| session_of(token)).collect();
        assert!(sessions.len() == 3 && !sessions.contains(&planted), "{sessions:?}");
        world.post_as(&tokens[0], "/auth/logout", &[]).await;
        assert!(!world.is_signed_in(&tokens[0]).await);
        assert!(world.is_signed_in(&tokens[1]).await && world.is_signed_in(&tokens[2]).await);
    }

    /// Use, restarts and leaps of the clock in either direction change nothing about when a session ends.
    async fn g4_nothing_prolongs_a_session(database) {
        let clock = Arc::new(MovableClock::new());
        let mut world = World::builder(database).clock(&clock).start().await;
        let token = world.sign_in("google", "ada").await;
        for _ in 0..6 {
            clock.advance(2 * DAY);
            assert!(world.is_signed_in(&token).await);
            world.get_as(&token, "/auth/authorize?service=storage").await;
        }
        world.program.restart().await;
        // Half a minute is left for the test itself.
        clock.advance((2 * DAY).saturating_sub(Duration::from_secs(30)));
        assert!(world.is_signed_in(&token).await);
        clock.advance(Duration::from_secs(30 + 61));
        assert!(!world.is_signed_in(&token).await);
        world.program.restart().await;
        assert!(!world.is_signed_in(&token).await);
    }
}

/// What other pages of the site keep in the browser is in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn g2_a_hundred_cookies_of_others_are_passed_over() {
    let world = World::on(TestDatabase::sqlite()).await;
    let browser = world.browser();
    for number in 0..100 {
        browser.set_cookie(&format!("other-{number}={}; Path=/", "x".repeat(20)));
    }
    let token = sign_in_with(&world, &browser, &[]).await;
    assert!(world.is_signed_in(&token).await);
    let ours = browser.cookie_names().into_iter().filter(|name| !name.starts_with("other-"));
    assert_eq!(ours.collect::<Vec<_>>(), ["vestibule-sign-in"]);
}

/// The address that the service keeps of a sign-in with these headers.
async fn kept_address(world: &World, headers: &[(&str, &str)]) -> String {
    let token = sign_in_with(world, &world.browser(), headers).await;
    let statement = format!("SELECT ip FROM sessions WHERE id = '{}'", session_of(&token));
    world.database.query(&statement).expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_a_client_that_is_no_proxy_cannot_say_where_it_is() {
    let world = World::on(TestDatabase::postgres()).await;
    for header in [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-real-ip", "198.51.100.7"),
        ("forwarded", "for=198.51.100.7"),
        ("x-client-ip", "198.51.100.7"),
        ("cf-connecting-ip", "198.51.100.7"),
        ("true-client-ip", "198.51.100.7"),
    ] {
        assert_eq!(kept_address(&world, &[header]).await, "127.0.0.1", "{header:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_a_proxy_is_believed_from_the_right_and_as_far_as_proxies_reach() {
    let builder = World::builder(TestDatabase::postgres());
    let world = builder.setting("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48").start().await;
    for (forwarded, kept) in [
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("198.51.100.7, 2001:db8:1::5", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.2", "10.0.0.2"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("198.51.100.7, rubbish", "127.0.0.1"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("\"[2001:db8::7]\"", "2001:db8::7"),
        ("unknown, 198.51.100.7", "198.51.100.7"),
        ("\u{e9}, 198.51.100.7", "198.51.100.7"),
        ("\u{e9}, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("198.51.100.7, \u{e9}, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.7, ", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
    ] {
        assert_eq!(kept_address(&world, &[("x-forwarded-for", forwarded)]).await, kept, "{forwarded}");
    }
    let other = [("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "198.51.100.7")];
    assert_eq!(kept_address(&world, &other).await, "198.51.100.7", "only one header counts");
}
