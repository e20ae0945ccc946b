//! Lists that GitHub's API gives a page at a time.

use http::header::LINK;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::ACCEPT;
use crate::endpoint::Endpoint;
use crate::error::{Step, StepError};
use crate::outbound::{self, OutboundClient};

/// At 100 entries each, far more than any user has.
const MAX_PAGES: usize = 10;

/// A list about the holder of a token.
pub(super) struct List<'a> {
    pub(super) client: &'a OutboundClient,
    /// Below which address all pages lie.
    pub(super) api: &'a Endpoint,
    pub(super) access_token: &'a str,
    pub(super) step: Step,
}

impl List<'_> {
    /// The entries of all pages; `None` when GitHub does not show us the list.
    pub(super) async fn read(&self, first: &Endpoint) -> Result<Option<Vec<Value>>, StepError> {
        let unavailable = |reason| StepError::unavailable(self.step, reason);
        let mut entries: Vec<Value> = Vec::new();
        let mut next = Some(first.clone());
        for page in 0..MAX_PAGES {
            let Some(address) = next else { break };
            let answer =
                self.client.get(&address, ACCEPT, Some(self.access_token)).await.map_err(unavailable)?;
            if page == 0 && is_not_for_us(answer.status(), answer.headers()) {
                return Ok(None);
            }
            entries.extend(outbound::json::<Vec<Value>>(&answer).map_err(unavailable)?);
            next = next_page(answer.headers(), &address).filter(|next| self.api.contains(next));
        }
        Ok(Some(entries))
    }
}

/// Whether GitHub does not show us the list: the person did not grant the scope, or the app has no right to it, which it answers with
/// 403 or 404. A
/// rate limit also comes as 403, and means that its content is unknown.
fn is_not_for_us(status: StatusCode, headers: &HeaderMap) -> bool {
    let exhausted = headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    let limited = exhausted || headers.contains_key(http::header::RETRY_AFTER);
    status == StatusCode::NOT_FOUND || (status == StatusCode::FORBIDDEN && !limited)
}

/// The address of the next page, out of `Link: <address>; rel="next", ...` (RFC 8288).
pub(super) fn next_page(headers: &HeaderMap, current: &Endpoint) -> Option<Endpoint> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let target = links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| matches!(parameter.trim(), r#"rel="next""# | "rel=next");
        parameters.split(';').any(is_next).then_some(target)
    })?;
    Endpoint::parse(current.url().join(target).ok()?.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Option<String> {
        let current = Endpoint::parse("https://api.example/user/emails?per_page=100").unwrap();
        let headers = HeaderMap::from_iter([(LINK, link.try_into().unwrap())]);
        next_page(&headers, &current).map(|next| next.url().to_string())
    }

    #[test]
    fn c1_the_next_page_is_found_among_the_links() {
        let page = "https://api.example/user/emails?page=2";
        assert_eq!(
            next(&format!(r#"<https://api.example/x>; rel="prev", <{page}>; rel="next""#)).as_deref(),
            Some(page)
        );
        assert_eq!(next(&format!(r#"<{page}>; title="x"; rel="next""#)).as_deref(), Some(page));
        assert_eq!(next("</user/emails?page=2>; rel=\"next\"").as_deref(), Some(page));
        for none in [
            r#"<https://api.example/x>; rel="last""#,
            "garbage",
            "<unclosed; rel=\"next\"",
            "<http://plain.example/>; rel=\"next\"",
        ] {
            assert_eq!(next(none), None, "{none}");
        }
    }
}
