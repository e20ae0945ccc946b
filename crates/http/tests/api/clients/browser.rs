//! A browser without a window, which also goes to the providers.

use reqwest::header::SET_COOKIE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use vestibule_test_support::{Answer, Client};

use super::{ApiClient, with_json};
use crate::app::{EXTERNAL_ADDRESS, TestApp};

/// Keeps cookies and follows no redirect. What is not an address of the service goes over the network.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    client: Client,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app, client: Client::new(EXTERNAL_ADDRESS) }
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.client.cookie(name)
    }

    /// The names of all cookies.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        self.client.cookie_names()
    }

    /// Gives the browser a cookie of the service.
    pub(crate) fn set_cookie(&self, set_cookie: &str) {
        self.client.set_cookie(set_cookie);
    }

    /// A request of a page of the service itself, with a body of JSON, if with any.
    pub(crate) async fn own(&self, method: Method, address: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, address).header("sec-fetch-site", "same-origin");
        self.send(with_json(request, body)).await
    }

    /// GET of the address that a redirect leads to.
    pub(crate) async fn follow(&self, redirect: &Answer) -> Answer {
        self.get(redirect.location().as_str()).await
    }
}

impl ApiClient for Browser<'_> {
    fn app(&self) -> &TestApp {
        self.app
    }

    fn authenticate(&self, request: RequestBuilder) -> RequestBuilder {
        request
    }

    fn request(&self, method: Method, address: &str) -> RequestBuilder {
        self.client.request(method, address)
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let (http, request) = request.build_split();
        let request = request.expect("a request");
        if request.url().origin().ascii_serialization() != EXTERNAL_ADDRESS {
            return self.client.send(RequestBuilder::from_parts(http, request)).await;
        }
        let answer = self.app.call(request).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            self.client.set_cookie(cookie.to_str().expect("a cookie is text"));
        }
        answer
    }
}
