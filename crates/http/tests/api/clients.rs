//! Those who ask: a type for each kind of credential.
//!
//! To add one: a struct with the app and the credential, its [`ApiClient::authenticate`], and a method of
//! [`TestApp`] that makes it.

mod browser;
pub(crate) mod exchange;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vestibule_test_support::Answer;

use crate::app::TestApp;

pub(crate) use browser::Browser;

/// What every client can do.
pub(crate) trait ApiClient {
    /// Whom it asks.
    fn app(&self) -> &TestApp;

    /// Adds the credential to a request.
    fn authenticate(&self, request: RequestBuilder) -> RequestBuilder;

    /// A request with the credential, for tests that add to it. [`ApiClient::send`] sends it.
    fn request(&self, method: Method, address: &str) -> RequestBuilder {
        self.authenticate(self.app().requests.request(method, address))
    }

    /// Sends a request.
    async fn send(&self, request: RequestBuilder) -> Answer {
        self.app().call(request.build().expect("a request")).await
    }

    /// GET of a path such as `/auth/check` or of a whole address.
    async fn get(&self, address: &str) -> Answer {
        self.send(self.request(Method::GET, address)).await
    }

    /// A request with a body of JSON, if with any.
    async fn ask(&self, method: Method, address: &str, body: Option<Value>) -> Answer {
        self.send(with_json(self.request(method, address), body)).await
    }

    /// POST of a form.
    async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, address).form(fields)).await
    }
}

/// Adds a body of JSON, if there is one.
pub(crate) fn with_json(request: RequestBuilder, body: Option<Value>) -> RequestBuilder {
    match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    }
}

/// Status, type and code of a refusal of an operation for sessions, tokens or apps.
pub(crate) fn refusal(answer: &Answer) -> (u16, Value, Value) {
    let body = answer.json();
    assert_eq!((&body["code"], &body["msg"]), (&json!(answer.status.as_u16()), &body["error_description"]));
    (answer.status.as_u16(), body["type"].clone(), body["error"].clone())
}

/// Shows no credential.
pub(crate) struct Anonymous<'a>(&'a TestApp);

impl<'a> Anonymous<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self(app)
    }
}

impl ApiClient for Anonymous<'_> {
    fn app(&self) -> &TestApp {
        self.0
    }

    fn authenticate(&self, request: RequestBuilder) -> RequestBuilder {
        request
    }
}

/// Shows a user token, in the header `Authorization`.
pub(crate) struct UserTokenClient<'a> {
    app: &'a TestApp,
    pub(crate) token: String,
}

impl<'a> UserTokenClient<'a> {
    pub(crate) fn new(app: &'a TestApp, token: String) -> Self {
        Self { app, token }
    }
}

impl ApiClient for UserTokenClient<'_> {
    fn app(&self) -> &TestApp {
        self.app
    }

    fn authenticate(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}
