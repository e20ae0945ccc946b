//! The callback: where a provider sends the browser, and where attackers send it too.

mod mix_up;
mod providers;
mod redirects;
mod state;

use std::sync::Arc;

use tokio::task::JoinSet;
use url::Url;
use vestibule_provider_emulator::{Provider, TokenExchanges};
use vestibule_test_support::{Answer, Client};

use crate::world::{APP, World};

const FORGED: &str = "This sign-in link is no longer valid";
const REPLAYED: &str = "This sign-in link was used already";

const NONE: TokenExchanges = TokenExchanges { attempted: 0, succeeded: 0 };
const ONE: TokenExchanges = TokenExchanges { attempted: 1, succeeded: 1 };

/// A browser in which Ada has consented: one GET away from a token.
async fn consented(world: &World, provider: &str) -> (Client, Url) {
    let browser = world.browser();
    let callback = world.reach_callback(&browser, provider, "ada", APP).await;
    (browser, callback)
}

/// The browser is still able to finish, which is to say that nothing has spent its state.
async fn assert_finishes(browser: &Client, callback: &Url) {
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.location_parameter("jwt").is_some(), "{}", answer.location());
}

/// A plain page that says why nothing happens, and leads nowhere by itself.
pub(crate) fn assert_refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 400, "{why}: {}", answer.body);
    assert!(answer.body.contains(&format!("<h1>{why}</h1>")), "{why}: {}", answer.body);
    assert!(answer.body.contains("Start again</a>"));
    assert!(answer.header("location").is_none() && answer.header("refresh").is_none(), "{answer:?}");
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    assert_is_page(answer);
}

/// A page that loads scripts and styles from files of ours alone, that nobody frames and no cache keeps.
fn assert_is_page(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// Sends all of these at the same time.
pub(crate) async fn finish_all(callbacks: Vec<(Arc<Client>, Url)>) -> Vec<Answer> {
    let mut under_way = JoinSet::new();
    for (browser, callback) in callbacks {
        under_way.spawn(async move { browser.get(callback.as_str()).await });
    }
    under_way.join_all().await
}

/// The address with another value of one parameter.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = without(url, name);
    changed.query_pairs_mut().append_pair(name, value);
    changed
}

/// The address without one parameter.
fn without(url: &Url, name: &str) -> Url {
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(kept);
    changed
}

fn exchanges(world: &World, provider: Provider) -> TokenExchanges {
    world.control().token_exchanges(provider)
}
