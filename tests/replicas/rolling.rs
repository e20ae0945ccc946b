//! Replicas are replaced one by one, and nobody notices.

use std::time::Duration;

use tokio::net::TcpStream;
use vestibule_test_support::{Client, Method, Program, eventually};

use super::load::Load;
use super::stage::{Fleet, moved, reach_callback};

#[tokio::test(flavor = "multi_thread")]
async fn l10_a_rolling_restart_under_load_loses_no_request() {
    let mut fleet = Fleet::behind_proxy().await;
    let load = Load::start(&fleet.site);
    load.go_on_for(300).await;
    for number in 1..=fleet.replicas.len() {
        let replica = &mut fleet.replicas[number - 1];
        replica.begin_stop();
        assert_readiness_turns_before_the_listener_closes(replica).await;
        assert_eq!(replica.ended().await.code(), Some(0), "{}", replica.logs());
        replica.start_again().await;
        fleet.site.proxy.until(number, "UP").await;
        load.go_on_for(150).await;
    }
    let lost = load.stop().await;
    assert!(lost.is_empty(), "{lost:#?}\n{}", fleet.site.proxy.log());
    let log = fleet.site.proxy.log();
    assert!(log.contains("GET /auth/check") && !log.contains("jwt="), "the proxy logs paths and no tokens");
}

/// Every request is on a connection of its own, as the proxy's checks are.
async fn assert_readiness_turns_before_the_listener_closes(replica: &Program) {
    let base_url = replica.base_url();
    let turned = async || status(&base_url, "/readyz").await == Some(503);
    eventually("readiness turns", turned).await;
    for path in ["/healthz", "/auth/check", "/.well-known/jwks.json"] {
        assert_eq!(status(&base_url, path).await, Some(200), "{path} is served meanwhile");
    }
    let address = base_url.trim_start_matches("http://").to_owned();
    eventually("the listener closes", async || TcpStream::connect(&address).await.is_err()).await;
}

async fn status(base_url: &str, path: &str) -> Option<u16> {
    let client = Client::new(base_url);
    let request = client.request(Method::GET, path).timeout(Duration::from_secs(5));
    client.try_send(request).await.ok().map(|answer| answer.status.as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_a_sign_in_that_began_on_one_replica_ends_on_another_after_the_first_is_gone() {
    let mut fleet = Fleet::new().await;
    let persona = fleet.site.person(1);
    let browser = fleet.site.browser();
    let callback = reach_callback(&browser, &fleet.address(0), &persona).await.unwrap();
    fleet.replicas[0].kill().await;
    let answer = browser.get(&moved(&callback, &fleet.address(1))).await;
    let token = answer.location_parameter("jwt").unwrap_or_else(|| panic!("{answer:?}"));
    for replica in 1..3 {
        assert!(fleet.is_signed_in(replica, &token).await, "the token counts at replica {replica}");
    }
    let again = browser.get(&moved(&callback, &fleet.address(2))).await;
    assert_eq!(again.status, 400, "what one replica has spent is spent at all");
}
