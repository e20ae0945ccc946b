//! How the service is.

use crate::app::TestApp;
use crate::clients::ApiClient as _;
use crate::snapshot::assert_answer;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_well_says_so() {
    let app = TestApp::new().await;
    assert_answer!("healthz", app.anonymous().get("/healthz").await);
    assert_answer!("readyz", app.anonymous().get("/readyz").await);
}
