//! The callback: where a provider sends the browser, and where attackers send it too.

mod mix_up;
mod providers;
mod redirects;
mod state;

use url::Url;
use vestibule_provider_emulator::{Provider, TokenExchanges};

use crate::app::{FRONTEND, TestApp};
use crate::clients::{ApiClient as _, Browser};

/// The cookie that knows a browser again.
const COOKIE: &str = "__Host-vestibule-sign-in";

const MISSING: &str = "This sign-in link is not complete";
const FORGED: &str = "This sign-in link is no longer valid";
const EXPIRED: &str = "This sign-in took too long";
const REPLAYED: &str = "This sign-in link was used already";
const OTHER_BROWSER: &str = "This sign-in began in another browser";
const NO_CODE: &str = "The provider sent no answer";

const NONE: TokenExchanges = TokenExchanges { attempted: 0, succeeded: 0 };
const ONE: TokenExchanges = TokenExchanges { attempted: 1, succeeded: 1 };

/// A browser in which Ada has consented: one GET away from a token.
async fn consented<'a>(app: &'a TestApp, provider: &str) -> (Browser<'a>, Url) {
    let browser = app.browser();
    let callback = app.reach_callback(&browser, provider, "ada", FRONTEND).await;
    (browser, callback)
}

/// The browser is still able to finish, which is to say that nothing has spent its state.
async fn assert_finishes(browser: &Browser<'_>, callback: &Url) {
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.location_parameter("jwt").is_some(), "{}", answer.location());
}

fn exchanges(app: &TestApp, provider: Provider) -> TokenExchanges {
    app.control().token_exchanges(provider)
}
