//! Providers that fail.

mod gzip;
mod perform;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde_json::Value;

use crate::lock::lock;
use crate::provider::{Endpoint, Provider};

pub(crate) use perform::perform;

/// What happens in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing, ever, on an open connection.
    Hang,
    /// A good status, headers, the first byte of a body, and then nothing.
    HangInBody,
    /// The connection is reset before any answer.
    Close,
    /// This answer.
    Answer(Answer),
    /// A body of so many mebibytes, streamed, whose length is not announced.
    HugeBody {
        /// Its size.
        mebibytes: usize,
    },
    /// A small gzip body that unpacks to so many mebibytes.
    GzipBomb {
        /// Its size when unpacked.
        mebibytes: usize,
    },
}

/// An answer that the provider did not mean to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Fault {
    /// A status with a body of plain text.
    pub fn status(status: u16, body: &str) -> Self {
        Self::answer(status, "text/plain", body)
    }

    /// 429 with `Retry-After`.
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let header = ("retry-after".to_owned(), retry_after_seconds.to_string());
        Self::Answer(Answer { status: 429, headers: vec![header], body: b"slow down".to_vec() })
    }

    /// 302 to somewhere else. [`Control::trap_url`](crate::Control::trap_url) counts who follows.
    pub fn redirect(location: &str) -> Self {
        let header = ("location".to_owned(), location.to_owned());
        Self::Answer(Answer { status: 302, headers: vec![header], body: Vec::new() })
    }

    /// 200 with a page where data was asked for.
    pub fn html() -> Self {
        Self::answer(
            200,
            "text/html; charset=utf-8",
            "<!doctype html><title>Maintenance</title><p>Back soon.",
        )
    }

    /// 200 with JSON that ends in the middle.
    pub fn truncated_json() -> Self {
        Self::answer(200, "application/json", "{\"issuer\":\"http://127.0.0.1\",\"access_token\":\"ab")
    }

    /// 200 with this JSON, such as GitHub's `{"error": ...}`.
    pub fn json(body: &Value) -> Self {
        Self::answer(200, "application/json", &body.to_string())
    }

    fn answer(status: u16, content_type: &str, body: &str) -> Self {
        let header = ("content-type".to_owned(), content_type.to_owned());
        Self::Answer(Answer { status, headers: vec![header], body: body.as_bytes().to_vec() })
    }
}

/// How long a fault stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// For one request. Several wait in line.
    Once,
    /// Until it is cleared; whatever was put in line after it waits as long.
    UntilCleared,
}

/// The faults that wait for requests, in line at each endpoint.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Lines>);

type Lines = HashMap<(Provider, Endpoint), VecDeque<(Fault, Lasting)>>;

impl Faults {
    pub(crate) fn inject(&self, provider: Provider, endpoint: Endpoint, fault: Fault, lasting: Lasting) {
        lock(&self.0).entry((provider, endpoint)).or_default().push_back((fault, lasting));
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The fault for a request that has just arrived.
    pub(crate) fn take(&self, provider: Provider, endpoint: Endpoint) -> Option<Fault> {
        let mut lines = lock(&self.0);
        let line = lines.get_mut(&(provider, endpoint))?;
        match line.front()? {
            (_, Lasting::Once) => line.pop_front().map(|(fault, _)| fault),
            (fault, Lasting::UntilCleared) => Some(fault.clone()),
        }
    }
}
