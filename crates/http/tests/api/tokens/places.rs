//! Where a request carries its token, and two of them at once.

use reqwest::Method;
use serde_json::json;
use url::{Position, Url};
use vestibule_test_support::Answer;

use crate::app::{EXTERNAL_ADDRESS, TestApp};
use crate::clients::{Anonymous, ApiClient as _};

/// The places that a token can stand in, in the order in which they count.
const PLACES: [&str; 4] = ["Authorization", "Auth-Token", "query", "form"];

/// Sends a request with tokens in these places.
async fn send(browser: &Anonymous<'_>, method: Method, address: &str, tokens: &[(&str, &str)]) -> Answer {
    let mut url = Url::parse("http://path.only").unwrap().join(address).unwrap();
    for (_, token) in tokens.iter().filter(|(place, _)| *place == "query") {
        url.query_pairs_mut().append_pair("jwt", token);
    }
    let mut request = browser.request(method, &url[Position::BeforePath..]);
    for &(place, token) in tokens {
        request = match place {
            "Authorization" => request.bearer_auth(token),
            "Auth-Token" => request.header("Auth-Token", token),
            "form" => request.form(&[("jwt", token)]),
            _ => request,
        };
    }
    browser.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_each_of_its_places() {
    let app = TestApp::new().await;
    let browser = app.anonymous();
    for (place, name) in PLACES.into_iter().zip(["ada", "linus", "no-name", "robin"]) {
        let token = app.sign_in("google", if name == "robin" { "renamed" } else { name }).await;
        if place != "form" {
            let answer = send(&browser, Method::GET, "/auth/check", &[(place, &token)]).await;
            assert_eq!(answer.json()["authenticated"], true, "{place}");
        }
        for address in [format!("/auth/update?username={name}").as_str(), "/auth/logout"] {
            let answer = send(&browser, Method::POST, address, &[(place, &token)]).await;
            assert_eq!(answer.json(), json!({"success": true}), "{place}: {address}");
        }
        assert!(!app.is_signed_in(&token).await, "{place}");
    }
}

/// What a client cannot tell apart: everything but the name and the time of the request.
fn essence(answer: Answer) -> (u16, Vec<String>, String) {
    let named = answer.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let mut headers: Vec<_> = named.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.body)
}

/// Somebody who is known is told so at once, unless the request has something that has to be looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_answered_alike_whichever_way_it_takes() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let (browser, here) = (app.anonymous(), EXTERNAL_ADDRESS);
    let ask = async |address: &str, origin: &str| {
        let request = browser.request(Method::GET, address).header("Auth-Token", &token);
        browser.send(request.header("Origin", origin)).await
    };
    for origin in [here, "https://elsewhere.example.com"] {
        let first = essence(ask("/auth/check", origin).await);
        assert!(first.2.contains("\"authenticated\":true"), "{}", first.2);
        for address in
            ["/auth/check", "/auth/check?next=https%3A%2F%2Fevil.example.com", "/auth/check?jwt=&other=1"]
        {
            let answer = ask(address, origin).await;
            assert!(answer.headers.contains_key("x-request-id"), "{address}");
            assert_eq!(essence(answer), first, "{address}");
        }
    }
    let repeated = ask("/auth/check?next=a&next=b", here).await;
    assert_eq!((repeated.status.as_u16(), &repeated.json()["error"]), (400, &json!("invalid_request")));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_tokens_in_one_request_are_refused() {
    let app = TestApp::new().await;
    let (ada, linus) = (app.sign_in("google", "ada").await, app.sign_in("google", "linus").await);
    let browser = app.anonymous();
    for (method, address) in [
        (Method::GET, "/auth/check"),
        (Method::GET, "/auth/authorize?service=storage"),
        (Method::POST, "/auth/update?username=mallory"),
        (Method::POST, "/auth/logout"),
    ] {
        let places = if method == Method::GET { &PLACES[..3] } else { &PLACES[..] };
        for (index, first) in places.iter().enumerate() {
            for second in &places[index + 1..] {
                for other in [linus.as_str(), "rubbish"] {
                    let tokens = [(*first, ada.as_str()), (*second, other)];
                    let answer = send(&browser, method.clone(), address, &tokens).await;
                    let what = format!("{address}: {first} and {second}, {}", answer.body);
                    assert_eq!(answer.status, 400, "{what}");
                    assert_eq!(answer.json()["error"], "invalid_request", "{what}");
                }
            }
        }
        let twice = browser.get(&format!("/auth/check?jwt={ada}&jwt={linus}")).await;
        assert_eq!((twice.status.as_u16(), &twice.json()["error"]), (400, &json!("invalid_request")));
    }
    for token in [&ada, &linus] {
        assert!(app.profile(token).await.get("username").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_token_in_several_places_is_one_token_and_an_empty_one_is_none() {
    let app = TestApp::new().await;
    let ada = app.sign_in("google", "ada").await;
    let browser = app.anonymous();
    let everywhere: Vec<_> = PLACES[..3].iter().map(|place| (*place, ada.as_str())).collect();
    assert_eq!(send(&browser, Method::GET, "/auth/check", &everywhere).await.json()["authenticated"], true);
    for (tokens, status) in [
        (format!("jwt={ada}&jwt={ada}"), 200),
        (format!("jwt={ada}&jwt="), 200),
        (format!("jwt=&jwt={ada}"), 200),
        (format!("jwt={ada}&jwt=another"), 400),
    ] {
        let form = browser
            .request(Method::POST, "/auth/update")
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = browser.send(form.body(format!("{tokens}&username=admin"))).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let with_empty =
        browser.request(Method::GET, "/auth/check?jwt=").header("Auth-Token", "").bearer_auth(&ada);
    assert_eq!(browser.send(with_empty).await.json()["authenticated"], true);
    let all_empty = browser.request(Method::GET, "/auth/check?jwt=").header("Auth-Token", "").bearer_auth("");
    assert_eq!(browser.send(all_empty).await.json()["authenticated"], false);
}
