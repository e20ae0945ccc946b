//! A plugin that refuses a person.

use vestibule_test_support::TestDatabase;

use super::{assert_unavailable, authorize, granted};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_counts_where_the_operator_allows_it_and_is_a_failure_elsewhere() {
    let config = "[plugin.strict]\nmay_deny = true\nconfig = { fault = \"deny\" }\n\
                  [plugin.lax]\nconfig = { fault = \"deny\" }\n";
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "strict:faulty-plugin;lax:faulty-plugin;storage:sample-permissions")
        .config(config)
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;

    let denied = authorize(&world, &token, "strict").await;
    assert_eq!((denied.status.as_u16(), denied.header("retry-after")), (403, None));
    let body = denied.json();
    assert_eq!(body["error"], "access_denied");
    assert_eq!(
        body["error_description"], "access to this service is denied",
        "the reason is for the operator"
    );
    assert!(body.get("token").is_none() && body.get("permissions").is_none(), "{body}");

    assert_unavailable(&authorize(&world, &token, "lax").await, "30", "may_deny is not set");
    granted(&world, &token, "storage").await;
}
