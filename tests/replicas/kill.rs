//! A replica dies without a word.

use super::load::{CALLERS, Load};
use super::stage::Fleet;

/// What cannot be asked twice, and is lost when the replica that had it is.
const ONCE_ONLY: [&str; 2] = ["callback", "logout"];

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
    let others: Vec<_> = lost.iter().filter(|lost| !ONCE_ONLY.contains(&lost.what)).collect();
    assert!(others.is_empty(), "{others:#?}\n{}", fleet.site.proxy.log());
}
