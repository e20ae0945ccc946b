//! The process is killed: what keeps people out keeps them out afterwards.

use crate::world::{APP, World, on_both_databases};

on_both_databases! {
    async fn l2_signed_out_used_disabled_and_chosen_stay_so_after_a_kill(database) {
        let mut world = World::on(database).await;
        let signed_out = world.sign_in("google", "ada").await;
        let kept = world.sign_in("google", "ada").await;
        assert_eq!(world.post_as(&kept, "/auth/update", &[("username", "ada")]).await.status, 200);
        assert_eq!(world.post_as(&signed_out, "/auth/logout", &[]).await.status, 200);
        let disabled = world.sign_in("google", "grace").await;
        assert_eq!(world.post_as(&disabled, "/auth/update", &[("username", "grace")]).await.status, 200);
        let browser = world.browser();
        let used = world.reach_callback(&browser, "google", "linus", APP).await;
        assert_eq!(browser.get(used.as_str()).await.status, 303);
        assert!(world.program.run(&["users", "disable", "grace"]).await.status.success());
        // Killed right after the last answer, with no time to put anything in order.
        world.program.kill().await;
        world.database.assert_consistent();
        world.program.start_again().await;
        assert!(!world.is_signed_in(&signed_out).await, "a sign-out was forgotten");
        assert!(!world.is_signed_in(&disabled).await, "a disabled user is back");
        assert_eq!(world.profile(&kept).await["username"], "ada");
        assert_eq!(browser.get(used.as_str()).await.status, 400, "a sign-in is used once");
        assert_eq!(world.fail_to_sign_in("google", "grace").await, "account_disabled");
        let taken = world.sign_in("google", "linus").await;
        let answer = world.post_as(&taken, "/auth/update", &[("username", "ada")]).await;
        assert_ne!(world.profile(&taken).await["username"], "ada", "{}", answer.body);
    }
}
