//! C8: addresses that are not quite what they seem.

use serde_json::Value;
use vestibule_provider_emulator::Persona;

use crate::world::{World, on_both_databases};

const VICTIM: &str = "victim@example.com";

/// Somebody whose providers all state that they have verified this address.
fn holder_of(number: u32, address: &str) -> Persona {
    Persona::ordinary(&format!("holder{number}"), "Mallory", number).with_email(address)
}

async fn profile_of(world: &World, provider: &str, persona: Persona) -> Value {
    let id = persona.id.clone();
    world.control().put_persona(persona);
    world.profile(&world.sign_in(provider, &id).await).await
}

on_both_databases! {
    /// Two programs could read two addresses in them, so nobody reads any.
    async fn c8_an_address_that_can_be_read_in_two_ways_is_nobodys(database) {
        let world = World::on(database).await;
        let victim = profile_of(&world, "google", Persona::ordinary("victim", "Victim", 7)).await;
        assert_eq!(victim["email"], VICTIM);
        let long = format!("{}@example.com", "a".repeat(300));
        let hostile = [
            "attacker@evil.example@example.com", "victim@example.com@evil.example", "victim\u{ff20}example.com",
            "victim\u{fe6b}example.com", "\"victim\"@example.com", "\"victim@example.com\"@evil.example",
            "<victim@example.com>", "Victim <victim@example.com>", "victim@example.com,a@evil.example",
            "victim@example.com\0", "victim\0@example.com", "victim@example.com\r\nBcc: a@evil.example",
            "victim (comment)@example.com", "victim@[192.0.2.1]", "victim@example\u{ff0e}com", "victim@\u{ff45}xample.com",
            "victim@exa\u{ad}mple.com",
            "v\u{456}ctim@example.com", "victim@example\u{3002}com", "\u{ff56}ictim@example.com", "victim@.example.com",
            "victim@example..com", "victim@", "@example.com", "victim", "", long.as_str(),
        ];
        for (number, address) in (300..).zip(hostile) {
            for provider in ["google", "github"] {
                let profile = profile_of(&world, provider, holder_of(number, address)).await;
                assert_ne!(profile["id"], victim["id"], "{provider}, {address:?}");
                assert_eq!(profile["email"], Value::Null, "{provider}, {address:?}");
            }
        }
    }

    /// White space around and the case of letters are the only differences that do not count.
    async fn c8_an_address_is_compared_whole(database) {
        let world = World::on(database).await;
        let victim = profile_of(&world, "google", Persona::ordinary("victim", "Victim", 7)).await;
        for (number, address) in (400..).zip([
            "victim@example.com.evil.example", "victim@evil-example.com", "victim@sub.example.com", "victim@example.co",
            "victim+x@example.com", "v.ictim@example.com", "victim.@example.com", "victim@xn--exmple-4nf.com", "avictim@example.com",
            // A Cyrillic letter: the domain of the ASCII form above, and no other.
            "victim@ex\u{430}mple.com",
        ]) {
            let profile = profile_of(&world, "github", holder_of(number, address)).await;
            assert_ne!(profile["id"], victim["id"], "{address:?}");
        }
        let spelt = profile_of(&world, "github", holder_of(500, " Victim@EXAMPLE.com ")).await;
        assert_eq!(spelt["id"], victim["id"]);
    }
}
