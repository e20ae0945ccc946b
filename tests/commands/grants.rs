//! `vestibule grants`, and the tokens of grants in `vestibule tokens revoke --stdin`.

use serde_json::{Value, json};
use vestibule_test_support::eventually;

use super::Outcome;
use super::role_accounts::{objects, outcome_of, refused, told};
use crate::signed_in::SignedIn;
use crate::world::{World, on_both_databases};

/// What a person lends to a program: the access token and the refresh token.
async fn lend(browser: &SignedIn) -> [String; 2] {
    let pair = browser.make_pair(&[("services", "storage")]).await;
    ["access_token", "refresh_token"].map(|name| pair[name].as_str().unwrap().to_owned())
}

fn ids(grants: &[Value]) -> Vec<&str> {
    grants.iter().map(|grant| grant["id"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn h7_an_operator_sees_and_ends_what_a_person_lent(database) {
        let world = World::on(database).await;
        let browser = SignedIn::by(&world, "google", "ada").await;
        let user = world.profile(&world.sign_in("google", "ada").await).await["id"].as_str().unwrap().to_owned();
        let ([one, _], [other, _]) = (lend(&browser).await, lend(&browser).await);
        let list = ["grants", "list", "--id", &user];
        let grants = objects(&world, &list).await;
        assert_eq!(grants.len(), 2);
        assert_eq!((&grants[0]["client_name"], &grants[0]["services"]), (&json!("Phone"), &json!(["storage"])));
        assert!(told(&world, &list).await.contains("services=storage"));

        told(&world, &["grants", "revoke", ids(&grants)[0]]).await;
        let left = objects(&world, &list).await;
        assert_eq!(ids(&left), [ids(&grants)[1]]);
        assert!(refused(&world, &["grants", "revoke", ids(&grants)[0]]).await.contains("no living grant has the id"));
        told(&world, &["grants", "revoke", "--id", &user, "--all"]).await;
        assert!(objects(&world, &list).await.is_empty());
        for token in [one, other] {
            eventually("a token of a grant that has ended is nobody's", async || !world.is_signed_in(&token).await).await;
        }
        for wrong in [&["--all"][..], &[], &["x", "--all", "--id", &user]] {
            assert_eq!(outcome_of(&world, &[&["grants", "revoke"], wrong].concat()).await.status, Some(2), "{wrong:?}");
        }
    }

    async fn h7_tokens_that_have_leaked_end_with_their_grants(database) {
        let world = World::on(database).await;
        let browser = SignedIn::by(&world, "google", "ada").await;
        let ([kept, _], [by_access, _], [of_refresh, refresh]) = (lend(&browser).await, lend(&browser).await, lend(&browser).await);
        let log = format!("PUT /auth/token/refresh {refresh}\nx={by_access}&y={by_access}");
        let revoked: Outcome = world.program.run_with_input(&["tokens", "revoke", "--stdin"], log.as_bytes()).await.into();
        assert!(revoked.out.ends_with("living tokens among them: 0; grants by an access or refresh token: 2\n"), "{}", revoked.out);
        assert!(!revoked.out.contains(&refresh) && !revoked.out.contains(&by_access));
        for token in [by_access, of_refresh] {
            eventually("its grant has ended", async || !world.is_signed_in(&token).await).await;
        }
        assert!(world.is_signed_in(&kept).await);
    }
}
