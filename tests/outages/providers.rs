//! A provider is down. How each of its answers may fail is the matter of `upstream`; here is what goes on beside it.

use vestibule_provider_emulator::{Endpoint, Fault, Lasting, Provider};
use vestibule_test_support::TestDatabase;

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn b9_a_provider_is_down_and_the_other_providers_and_the_sessions_go_on() {
    let stage = Stage::on(TestDatabase::sqlite()).await;
    let control = stage.world.control();
    for endpoint in [Endpoint::Discovery, Endpoint::Token, Endpoint::Jwks, Endpoint::Userinfo] {
        control.inject(Provider::Google, endpoint, Fault::Close, Lasting::UntilCleared);
    }
    assert_eq!(stage.world.fail_to_sign_in("google", "ada").await, "temporarily_unavailable");
    let by_github = stage.world.sign_in("github", "ada").await;
    assert!(stage.world.is_signed_in(&by_github).await);
    stage.check_often(100).await.assert_only(&[200], "provider down");
    assert!(stage.is_signed_in().await, "whoever came by it stays signed in");
    assert_eq!(stage.writes().await.status, 200);
    let authorized = stage.world.get_as(&stage.token, "/auth/authorize?service=storage").await;
    assert_eq!(authorized.status, 200, "{}", authorized.body);
    stage.assert_the_rest_is_well("provider down").await;
    assert_eq!(
        stage.world.browser().get("/readyz").await.status,
        200,
        "another replica would be no better off"
    );
}
