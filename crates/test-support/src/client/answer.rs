//! An answer, read to its end.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::addresses::parameter;

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked for.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    pub(super) async fn read(response: Response) -> Result<Self, reqwest::Error> {
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        Ok(Self { url, status, headers, body: response.text().await? })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The first header of that name, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where a redirect leads, made absolute.
    pub fn location(&self) -> Url {
        let location = self.header(LOCATION.as_str()).unwrap_or_else(|| panic!("no redirect: {self:?}"));
        self.url.join(location).unwrap_or_else(|error| panic!("{location}: {error}"))
    }

    /// A parameter in the query of the address that a redirect leads to.
    pub fn location_parameter(&self, name: &str) -> Option<String> {
        parameter(&self.location(), name)
    }
}
