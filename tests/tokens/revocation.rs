//! The end of a token before its time.

use serde_json::json;

use crate::world::{World, on_both_databases};

on_both_databases! {
    async fn d9_a_sign_out_ends_its_session_at_once_and_for_ever_and_no_other(database) {
        let mut world = World::on(database).await;
        let (ended, other) = (world.sign_in("google", "ada").await, world.sign_in("google", "ada").await);
        let answer = world.post_as(&ended, "/auth/logout", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
        assert!(!world.is_signed_in(&ended).await && world.is_signed_in(&other).await);
        world.program.kill().await;
        world.program.start_again().await;
        assert!(!world.is_signed_in(&ended).await && world.is_signed_in(&other).await);
    }

    async fn d9_signing_out_everywhere_ends_every_session_and_lets_people_in_again(database) {
        let mut world = World::on(database).await;
        let mut ended = Vec::new();
        for provider in ["google", "github", "google"] {
            ended.push(world.sign_in(provider, "ada").await);
        }
        let stranger = world.sign_in("google", "linus").await;
        let answer = world.post_as(&ended[1], "/auth/logout", &[("all", "true")]).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
        let fresh = world.sign_in("google", "ada").await;
        for restarted in [false, true] {
            for token in &ended {
                assert!(!world.is_signed_in(token).await, "restarted: {restarted}");
            }
            assert!(world.is_signed_in(&stranger).await && world.is_signed_in(&fresh).await);
            world.program.restart().await;
        }
    }

    async fn d9_a_disabled_user_is_out_and_stays_signed_out_when_enabled_again(database) {
        let mut world = World::on(database).await;
        let token = world.sign_in("google", "ada").await;
        let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
        assert!(world.program.run(&["users", "disable", &id]).await.status.success());
        world.until_signed_out(&token).await;
        let answer = world.get_as(&token, "/auth/authorize?service=storage").await;
        assert_eq!(answer.json(), json!({"permissions": {}}));
        let refused = world.finish_sign_in("google", "ada").await;
        assert_eq!(refused.location_parameter("error").as_deref(), Some("account_disabled"));
        assert_eq!(refused.location_parameter("jwt"), None);
        world.program.restart().await;
        assert!(!world.is_signed_in(&token).await);
        assert!(world.program.run(&["users", "enable", &id]).await.status.success());
        assert!(!world.is_signed_in(&token).await, "what was ended stays so");
        let fresh = world.sign_in("google", "ada").await;
        assert_eq!(world.profile(&fresh).await["id"], id.as_str());
    }
}
