//! Which identities count, and taking one away.

use serde_json::Map;
use vestibule_domain::{ProviderName, UpstreamProfile, User};

use super::{Stage, text_of};
use crate::admin::{AdminError, IdentityStanding};
use crate::testing::{GITHUB, GOOGLE, person, verified};

const ADDRESS: &str = "ada@example.org";

fn github() -> ProviderName {
    ProviderName::parse("github").unwrap()
}

impl Stage {
    async fn sign_in_ada_at_both(&self) -> User {
        self.sign_in(verified(GITHUB, "1", ADDRESS), "ada").await;
        self.sign_in(verified(GOOGLE, "g", ADDRESS), "linked").await
    }

    async fn standings(&self, user: &User) -> Vec<(String, IdentityStanding)> {
        let details = self.admin().read_user_details(user).await.unwrap();
        let tell = |found: &crate::admin::IdentityDetails| (found.identity.provider.clone(), found.standing);
        details.identities.iter().map(tell).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_counts_with_its_address_without_it_or_not_at_all() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(verified(GITHUB, "1", ADDRESS), "ada").await;
    assert_eq!(stage.standings(&ada).await, [("github".to_owned(), IdentityStanding::Counts)]);
    let bare = stage.sign_in(person(GITHUB, "2"), "bare").await;
    assert_eq!(stage.standings(&bare).await, [("github".to_owned(), IdentityStanding::Counts)]);
    let profile = verified(GITHUB, "3", "eve@example.org");
    let profile =
        UpstreamProfile { unverified_email: profile.verified_email.clone(), verified_email: None, ..profile };
    let eve = stage.sign_in(profile, "eve").await;
    assert_eq!(stage.standings(&eve).await, [("github".to_owned(), IdentityStanding::WithoutEmail)]);
    let stage = stage.with_providers(&[GOOGLE]);
    for user in [&ada, &bare, &eve] {
        assert_eq!(stage.standings(user).await, [("github".to_owned(), IdentityStanding::Orphaned)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_taken_away_with_its_sessions_and_the_last_one_stays() {
    let stage = Stage::set().await;
    let ada = stage.sign_in_ada_at_both().await;
    assert_eq!((ada.id.as_str(), stage.count_sessions(&ada).await), ("ada", 2));
    let admin = stage.admin();
    assert_eq!(admin.unlink_identity(&ada, &github(), "1").await.unwrap(), 1);
    assert_eq!(stage.count_sessions(&ada).await, 1);
    let again = admin.unlink_identity(&ada, &github(), "1").await;
    assert_eq!(text_of(again), "ada (-, Ada Lovelace): has no identity github:1");
    let last = admin.unlink_identity(&ada, &ProviderName::parse("google").unwrap(), "g").await;
    assert_eq!(
        text_of(last),
        "ada (-, Ada Lovelace): google:g is the last way in: no other identity is of a provider that is configured"
    );
    let unlinked =
        ("identity.unlinked".to_owned(), Some("ada".to_owned()), Some("github".to_owned()), Map::new());
    assert_eq!(stage.recorded().await, [unlinked]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_of_a_provider_that_is_not_configured_is_no_way_in() {
    let stage = Stage::set().await;
    let ada = stage.sign_in_ada_at_both().await;
    let stage = stage.with_providers(&[GITHUB]);
    let last = stage.admin().unlink_identity(&ada, &github(), "1").await;
    assert!(matches!(last, Err(AdminError::LastIdentity { .. })), "{last:?}");
    let orphan = stage.admin().unlink_identity(&ada, &ProviderName::parse("google").unwrap(), "g").await;
    assert_eq!(orphan.unwrap(), 1, "which may go");
}
