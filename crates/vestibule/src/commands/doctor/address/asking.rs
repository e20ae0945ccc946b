//! Requests to servers that may be anything.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(5);
/// More than a service of ours answers.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// Asks without a proxy, and follows no redirect.
pub(super) fn make_client() -> reqwest::Result<Client> {
    Client::builder().timeout(TIMEOUT).redirect(Policy::none()).no_proxy().build()
}

/// The body of an answer, read piece by piece. `None` if it breaks off or is larger than it may be.
pub(super) async fn read(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > MOST_BYTES {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// The JSON of an answer that says yes.
pub(super) async fn read_json(response: Response) -> Option<Value> {
    serde_json::from_slice(&read(response.error_for_status().ok()?).await?).ok()
}
