//! How an administrator names a user.

use vestibule_domain::{Actor, AuditEvent, AuditName, User, Username};

use super::{Stage, at, id, text_of};
use crate::admin::NamedUser;
use crate::testing::{GOOGLE, person};

impl Stage {
    async fn sign_in_named(&self, user: &str, username: &str) -> User {
        let user = self.sign_in(person(GOOGLE, user), user).await;
        let event = AuditEvent::new(AuditName::UsernameChosen, Actor::Service, at(0));
        self.storage.choose_username(&user.id, &name(username), &event).await.unwrap();
        user
    }
}

fn name(text: &str) -> Username {
    Username::from_stored(text).unwrap()
}

fn either(text: &str) -> NamedUser {
    NamedUser::Either(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_id_and_by_username_in_any_case() {
    let stage = Stage::set().await;
    stage.sign_in_named("9f2c", "ada").await;
    for named in [either("9f2c"), either("ADA"), NamedUser::Id(id("9f2c")), NamedUser::Username(name("ada"))]
    {
        assert_eq!(stage.admin().find_user(&named).await.unwrap().id, id("9f2c"), "{named}");
        assert_eq!(stage.admin().find_user_id(&named).await.unwrap(), id("9f2c"), "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_not_there_is_named_as_asked_for() {
    let stage = Stage::set().await;
    for (named, text) in [
        (either("ada@example.org"), "no user has the verified address \"ada@example.org\""),
        (either("@"), "no user has the verified address \"@\""),
        (either("' OR 1=1--"), "no user has the id or username \"' OR 1=1--\""),
        (NamedUser::Id(id("9f2c")), "no user has the id \"9f2c\""),
        (NamedUser::Username(name("ada")), "no user has the username \"ada\""),
    ] {
        assert_eq!(text_of(stage.admin().find_user(&named).await), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_deleted_user_is_found_and_a_username_that_is_gone_is_not() {
    let stage = Stage::set().await;
    let admin = stage.admin();
    for named in [either("9f2c"), NamedUser::Id(id("9f2c"))] {
        assert_eq!(text_of(admin.find_user_id(&named).await), format!("no user has {named}"), "never there");
    }
    let user = stage.sign_in(person(GOOGLE, "1"), "9f2c").await;
    admin.delete_user(&user).await.unwrap();
    for named in [either("9f2c"), NamedUser::Id(id("9f2c"))] {
        assert_eq!(admin.find_user_id(&named).await.unwrap(), id("9f2c"));
    }
    assert_eq!(text_of(admin.find_user_id(&either("a b")).await), "no user has the id or username \"a b\"");
    let gone = NamedUser::Username(name("ada"));
    assert_eq!(text_of(admin.find_user_id(&gone).await), "no user has the username \"ada\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_may_mean_two_users_means_none() {
    let stage = Stage::set().await;
    let (lookalike, digits) = ("0123456789abcdef", "fedcba9876543210");
    stage.sign_in(person(GOOGLE, "1"), lookalike).await;
    stage.sign_in_named("2", lookalike).await;
    stage.sign_in_named("3", digits).await;
    let admin = stage.admin();
    assert_eq!(
        text_of(admin.find_user(&either(lookalike)).await),
        format!(
            "{lookalike:?} is the id of {lookalike} (-, Ada Lovelace) and the username of 2 ({lookalike}, Ada Lovelace)"
        )
    );
    assert_eq!(
        text_of(admin.find_user_id(&either(digits)).await),
        format!(
            "{digits:?} looks like an id, but no user has it; it is the username of 3 ({digits}, Ada Lovelace)"
        )
    );
    assert_eq!(admin.find_user(&NamedUser::Id(id(lookalike))).await.unwrap().id, id(lookalike));
    assert_eq!(admin.find_user(&NamedUser::Username(name(digits))).await.unwrap().id, id("3"));
}
