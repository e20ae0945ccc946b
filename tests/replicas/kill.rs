//! A replica dies without a word.

use super::load::{CALLERS, Load};
use super::stage::Fleet;

/// What is lost when the replica that had it is: the proxy does not ask it a second time.
const ONCE_ONLY: &str = "callback";

#[tokio::test(flavor = "multi_thread")]
async fn l1_a_killed_replica_costs_at_most_what_it_had_in_hand_and_could_not_be_asked_twice() {
    let mut fleet = Fleet::behind_proxy().await;
    let load = Load::start(&fleet.site);
    load.go_on_for(300).await;
    for number in 1..=2 {
        fleet.replicas[number - 1].kill().await;
        load.go_on_for(300).await;
        fleet.replicas[number - 1].start_again().await;
        fleet.site.proxy.until(number, "UP").await;
    }
    let lost = load.stop().await;
    assert!(lost.len() <= 2 * CALLERS as usize, "{lost:#?}");
    let repeated: Vec<_> = lost.iter().filter(|lost| lost.why.starts_with("400")).collect();
    assert!(repeated.is_empty(), "nobody is told that their sign-in was used: {repeated:#?}");
    let others: Vec<_> = lost.iter().filter(|lost| lost.what != ONCE_ONLY).collect();
    assert!(others.is_empty(), "{others:#?}\n{}", fleet.site.proxy.log());
}
