//! The same thing at once on three replicas: it happens once.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use vestibule_provider_emulator::Provider;
use vestibule_test_support::Answer;

use super::stage::{Fleet, moved, reach_callback};

const CROWD: usize = 50;

/// Sends all requests at one moment; the answers, in order.
async fn at_once(requests: Vec<impl Future<Output = Answer> + Send + 'static>) -> Vec<Answer> {
    let gate = Arc::new(Barrier::new(requests.len()));
    let mut racers = JoinSet::new();
    for (number, request) in requests.into_iter().enumerate() {
        let gate = Arc::clone(&gate);
        racers.spawn(async move {
            gate.wait().await;
            (number, request.await)
        });
    }
    let mut answers = racers.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_of_fifty_callbacks_at_once_on_three_replicas_one_succeeds() {
    let fleet = Fleet::new().await;
    let persona = fleet.site.person(1);
    let browser = Arc::new(fleet.site.browser());
    let callback = reach_callback(&browser, &fleet.address(0), &persona).await.unwrap();
    let requests = (0..CROWD).map(|number| {
        let (browser, address) = (Arc::clone(&browser), moved(&callback, &fleet.address(number)));
        async move { browser.get(&address).await }
    });
    let answers = at_once(requests.collect()).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 303);
    assert_eq!(won.len(), 1, "{won:?}");
    assert!(lost.iter().all(|answer| answer.status == 400), "{lost:?}");
    let token = won[0].location_parameter("jwt").expect("a token");
    for replica in 0..3 {
        assert!(fleet.is_signed_in(replica, &token).await);
    }
    let exchanges = fleet.site.control().token_exchanges(Provider::Google);
    assert_eq!(exchanges.succeeded, 1, "the provider is asked once");
    assert_eq!(fleet.site.database.query("SELECT count(*) FROM sessions").as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_of_fifty_users_at_once_on_three_replicas_one_gets_the_name() {
    let fleet = Fleet::new().await;
    let mut requests = Vec::new();
    for number in 0..CROWD {
        let persona = fleet.site.person(u32::try_from(number).unwrap());
        let token = fleet.sign_in(&persona, number, number + 1).await;
        let (browser, address) = (fleet.site.browser(), fleet.address(number + 2));
        let name = if number % 2 == 0 { "coveted" } else { "COVETED" };
        requests.push(async move {
            let request = browser.request(Method::POST, &format!("{address}/auth/update"));
            browser.send(request.bearer_auth(&token).form(&[("username", name)])).await
        });
    }
    let answers = at_once(requests).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let (won, lost): (Vec<Value>, Vec<Value>) =
        answers.iter().map(Answer::json).partition(|answer| answer["success"] == true);
    assert_eq!(won.len(), 1, "{won:?}");
    let taken = json!({"success": false, "error": "this username is taken"});
    assert!(lost.iter().all(|answer| *answer == taken), "{lost:?}");
    let holders = fleet.site.database.query("SELECT count(*) FROM users WHERE username IS NOT NULL");
    assert_eq!(holders.as_deref(), Some("1"));
}
