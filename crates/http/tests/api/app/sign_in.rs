//! The way through a provider and back.

use serde_json::Value;
use url::Url;
use vestibule_test_support::{Answer, login_address, sign_in_error, signed_in_token, with_parameter};

use super::{EXTERNAL_ADDRESS, FRONTEND, TestApp};
use crate::clients::{ApiClient as _, Browser};

impl TestApp {
    /// Asks for our login address.
    pub(crate) async fn start_sign_in(&self, browser: &Browser<'_>, provider: &str, next: &str) -> Answer {
        let answer = browser.get(login_address(EXTERNAL_ADDRESS, provider, next).as_str()).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }

    /// Goes from our login address to the provider, as this persona, and answers the address of the callback that the
    /// provider sends the browser to. The callback itself is left to the caller.
    pub(crate) async fn reach_callback(
        &self,
        browser: &Browser<'_>,
        provider: &str,
        persona: &str,
        next: &str,
    ) -> Url {
        let answer = self.start_sign_in(browser, provider, next).await;
        let consent = with_parameter(&answer.location(), "persona", persona);
        browser.get(consent.as_str()).await.location()
    }

    /// A whole sign-in in a browser of its own; the answer of the callback.
    pub(crate) async fn finish_sign_in(&self, provider: &str, persona: &str) -> Answer {
        let browser = self.browser();
        let callback = self.reach_callback(&browser, provider, persona, FRONTEND).await;
        browser.get(callback.as_str()).await
    }

    /// A whole sign-in that succeeds; the user token.
    pub(crate) async fn sign_in(&self, provider: &str, persona: &str) -> String {
        signed_in_token(&self.finish_sign_in(provider, persona).await)
    }

    /// A whole sign-in that brings the browser back to the frontend with an `error` and nothing else; which one.
    pub(crate) async fn fail_to_sign_in(&self, provider: &str, persona: &str) -> String {
        sign_in_error(&self.finish_sign_in(provider, persona).await, FRONTEND)
    }

    /// A browser in which this persona has just signed in at the service itself.
    pub(crate) async fn own_browser(&self, persona: &str) -> Browser<'_> {
        let browser = self.browser();
        let callback = self.reach_callback(&browser, "google", persona, "/account").await;
        browser.get(callback.as_str()).await;
        browser
    }

    /// What `/auth/check` says of a token.
    pub(crate) async fn check(&self, token: &str) -> Value {
        let answer = self.with_token(token).get("/auth/check").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// The profile of the user of a good token.
    pub(crate) async fn profile(&self, token: &str) -> Value {
        let answer = self.check(token).await;
        assert_eq!(answer["authenticated"], true, "{answer}");
        answer["profile"].clone()
    }

    /// Whether a token counts.
    pub(crate) async fn is_signed_in(&self, token: &str) -> bool {
        self.check(token).await["authenticated"] == true
    }
}
