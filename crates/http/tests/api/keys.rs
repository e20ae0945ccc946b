//! The keys that others verify tokens with.

use crate::app::TestApp;
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

#[tokio::test(flavor = "multi_thread")]
async fn the_key_set_has_the_public_half_of_the_key() {
    let app = TestApp::new().await;
    assert_answer!(app.anonymous().get("/.well-known/jwks.json").await);
}
