//! Looking at users, and ending what they have.

use serde_json::json;

use super::{Stage, id, now};
use crate::testing::{GITHUB, GOOGLE, person};

/// The events of one user, by their names.
macro_rules! events {
    ($($name:literal of $user:literal),*) => {
        vec![$(($name.to_owned(), Some($user.to_owned()), None, serde_json::Map::new())),*]
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_in_the_order_of_their_ids() {
    let stage = Stage::set().await;
    for user in ["b", "a", "c"] {
        stage.sign_in(person(GOOGLE, user), user).await;
    }
    let admin = stage.admin();
    let ids = async |after: Option<&str>| -> Vec<_> {
        admin.list_users(after.map(id).as_ref()).await.unwrap().into_iter().map(|user| user.id).collect()
    };
    assert_eq!(ids(None).await, [id("a"), id("b"), id("c")]);
    assert_eq!(ids(Some("b")).await, [id("c")]);
    assert_eq!(ids(Some("c")).await, []);
    assert_eq!(stage.recorded().await, [], "looking is no event");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_sessions_of_one_user_and_is_recorded_also_without_any() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    stage.sign_in(person(GOOGLE, "1"), "ada").await;
    let linus = stage.sign_in(person(GOOGLE, "2"), "linus").await;
    let admin = stage.admin();
    assert_eq!(admin.sign_out_user(&ada).await.unwrap(), 2);
    assert_eq!(admin.sign_out_user(&ada).await.unwrap(), 0);
    assert_eq!((stage.count_sessions(&ada).await, stage.count_sessions(&linus).await), (0, 1));
    assert_eq!(stage.recorded().await, events!["session.all_ended" of "ada", "session.all_ended" of "ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everybody_is_one_event_of_no_user() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    let linus = stage.sign_in(person(GITHUB, "2"), "linus").await;
    assert_eq!(stage.admin().sign_out_everybody().await.unwrap(), 2);
    assert_eq!((stage.count_sessions(&ada).await, stage.count_sessions(&linus).await), (0, 0));
    let details = json!({"whose": "everybody"}).as_object().unwrap().clone();
    assert_eq!(stage.recorded().await, [("session.all_ended".to_owned(), None, None, details)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_disabled_once_enabled_once_and_deleted_once() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    let admin = stage.admin();
    assert!(admin.disable_user(&ada).await.unwrap() && !admin.disable_user(&ada).await.unwrap());
    assert_eq!(stage.storage.find_user(&ada.id).await.unwrap().unwrap().disabled_at, Some(now()));
    assert_eq!(stage.count_sessions(&ada).await, 0);
    assert!(admin.enable_user(&ada).await.unwrap() && !admin.enable_user(&ada).await.unwrap());
    assert_eq!(stage.count_sessions(&ada).await, 0, "enabling brings no session back");
    assert!(admin.delete_user(&ada).await.unwrap() && !admin.delete_user(&ada).await.unwrap());
    assert_eq!(stage.storage.find_user(&ada.id).await.unwrap(), None);
    let expected = events!["user.deleted" of "ada", "user.disabled" of "ada", "user.enabled" of "ada"];
    assert_eq!(stage.recorded().await, expected, "what changes nothing is no event");
}
