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

/// Sends all of these at the same time.
pub(crate) async fn finish_all(callbacks: Vec<(Arc<Client>, Url)>) -> Vec<Answer> {
    let mut under_way = JoinSet::new();
    for (browser, callback) in callbacks {
        under_way.spawn(async move { browser.get(callback.as_str()).await });
    }
    under_way.join_all().await
}

fn exchanges(world: &World, provider: Provider) -> TokenExchanges {
    world.control().token_exchanges(provider)
}
