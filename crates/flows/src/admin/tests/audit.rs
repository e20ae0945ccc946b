//! Which events an administrator reads.

use std::time::Duration;

use vestibule_domain::AuditName;

use super::{Stage, id};
use crate::admin::NamedUser;
use crate::testing::{GOOGLE, person};

impl Stage {
    async fn events(
        &self,
        user: Option<&str>,
        name: Option<AuditName>,
        period: Option<Duration>,
    ) -> Vec<String> {
        let admin = self.admin();
        let user = user.map(|user| NamedUser::Id(id(user)));
        let selection = admin.select_audit_events(user.as_ref(), name, period).await.unwrap();
        let events = admin.list_audit_events(&selection, None).await.unwrap();
        events.into_iter().map(|event| event.event).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_those_of_a_user_a_name_and_a_period() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    stage.sign_in(person(GOOGLE, "2"), "linus").await;
    stage.admin().delete_user(&ada).await.unwrap();
    let of_ada = ["user.created", "sign_in.succeeded", "user.deleted"];
    let mut events = stage.events(Some("ada"), None, None).await;
    // The first two are of one moment.
    events.sort_by_key(|event| of_ada.iter().position(|name| name == event));
    assert_eq!(events, of_ada, "the events of a deleted user stay");
    assert_eq!(stage.events(None, None, None).await.len(), 5);
    assert_eq!(
        stage.events(None, Some(AuditName::UserCreated), None).await,
        ["user.created", "user.created"]
    );
    assert_eq!(stage.events(Some("linus"), Some(AuditName::UserDeleted), None).await, Vec::<String>::new());
    assert_eq!(stage.events(None, None, Some(Duration::from_secs(1799))).await, ["user.deleted"]);
    assert_eq!(
        stage.events(None, None, Some(Duration::from_secs(1800))).await.len(),
        5,
        "from this moment on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_behind_the_last_event_of_the_one_before() {
    let stage = Stage::set().await;
    let ada = stage.sign_in(person(GOOGLE, "1"), "ada").await;
    stage.admin().disable_user(&ada).await.unwrap();
    let admin = stage.admin();
    let selection = admin.select_audit_events(None, None, None).await.unwrap();
    let all = admin.list_audit_events(&selection, None).await.unwrap();
    assert_eq!(all.len(), 3);
    let behind = admin.list_audit_events(&selection, Some(&all[0].id)).await.unwrap();
    assert_eq!(behind, all[1..]);
    assert_eq!(admin.list_audit_events(&selection, Some(&all[2].id)).await.unwrap(), []);
}
