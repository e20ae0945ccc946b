//! The database that all replicas share is gone: no replica is ready, and yet not everything is lost.

use reqwest::Method;
use vestibule_test_support::{Shutdown, TestCluster, eventually};

use super::stage::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn l6_without_the_database_the_proxy_still_leads_to_the_keys_and_all_is_well_when_it_is_back() {
    let mut cluster = TestCluster::start();
    let fleet = Fleet::behind_proxy_on(cluster.create_database()).await;
    let persona = fleet.site.person(1);
    let token = fleet.sign_in(&persona, 0, 1).await;
    let browser = fleet.site.browser();
    cluster.stop(Shutdown::Immediate);
    for number in 1..=fleet.replicas.len() {
        fleet.site.proxy.until(number, "DOWN").await;
    }
    for path in ["/.well-known/jwks.json", "/auth/public-key", "/healthz"] {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }
    let refused = browser.get("/auth/resolve?username=ada").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"].as_str()),
        (503, Some("temporarily_unavailable"))
    );

    cluster.start_again();
    for number in 1..=fleet.replicas.len() {
        fleet.site.proxy.until(number, "UP").await;
    }
    let is_signed_in = async || {
        let request = browser.request(Method::GET, "/auth/check").bearer_auth(&token);
        browser.send(request).await.json()["authenticated"] == true
    };
    eventually("the session counts again", is_signed_in).await;
    let again = fleet.sign_in(&persona, 1, 2).await;
    assert!(fleet.is_signed_in(0, &again).await);
}
