//! What a provider left behind, and its end.

use serde_json::json;
use vestibule_domain::{ConfiguredProviders, ProviderName};

use super::{Stage, text_of};
use crate::admin::{AdminError, require_configured_provider};
use crate::testing::{GITHUB, GOOGLE, person, verified};

fn github() -> ProviderName {
    ProviderName::parse("github").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_provider_left_is_counted_and_then_removed() {
    let stage = Stage::set().await;
    let stranded = stage.sign_in(person(GITHUB, "1"), "stranded").await;
    stage.sign_in(verified(GITHUB, "2", "ada@example.org"), "ada").await;
    let ada = stage.sign_in(verified(GOOGLE, "g", "ada@example.org"), "linked").await;
    let stage = stage.with_providers(&[GOOGLE]);
    let admin = stage.admin();
    let leftovers = admin.find_leftovers(&github()).await.unwrap();
    let found: Vec<_> =
        leftovers.identities.iter().map(|left| (left.issuer.as_str(), left.identities)).collect();
    assert_eq!((found, leftovers.stranded_users), (vec![(GITHUB, 2)], 1));
    assert_eq!(stage.recorded().await, [], "counting is no event");

    let removed = admin.remove_leftovers(&leftovers).await.unwrap();
    assert_eq!((removed.identities, removed.sessions), (2, 2));
    assert_eq!(stage.count_sessions(&ada).await, 1);
    assert!(stage.storage.find_user(&stranded.id).await.unwrap().is_some(), "users stay");
    let details = json!({"identities": 2}).as_object().unwrap().clone();
    let event = ("provider.forgotten".to_owned(), None, Some("github".to_owned()), details);
    assert_eq!(stage.recorded().await, [event]);
    assert_eq!(
        text_of(admin.find_leftovers(&github()).await),
        "github: it has left nothing: all its identities are of an issuer that is configured"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configured_provider_nothing_is_left_behind() {
    let stage = Stage::set().await.with_providers(&[]);
    let refused = stage.admin().find_leftovers(&github()).await;
    assert!(matches!(refused, Err(AdminError::NoConfiguredProvider)), "{refused:?}");
    assert!(require_configured_provider(&ConfiguredProviders::default()).is_err());
}
