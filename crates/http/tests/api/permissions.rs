//! Permission tokens.

use crate::app::TestApp;
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_permissions_and_a_token_for_a_service() {
    let app = TestApp::with_plugins().await;
    assert_answer!(app.signed_in("ada").await.get("/auth/authorize?service=storage").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_are_no_permissions() {
    let app = TestApp::with_plugins().await;
    assert_answer!(app.anonymous().get("/auth/authorize?service=storage").await);
}
