//! The name of a request, in the answer and in every line that is logged for it.

mod generator;

use poem::Request;

use crate::client_address::TrustedProxies;

pub(super) use generator::RequestIds;

/// What a proxy may call a request: long enough to be one of a kind, short enough for every line.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;

impl RequestIds {
    /// The id that a trusted proxy has given the request, so that both logs speak of it by one name; else a new one. From
    /// anybody else it would let a client choose the words by which an operator searches the log.
    pub(super) fn id_of(&self, request: &Request, proxies: &TrustedProxies) -> String {
        let given = || request.header("x-request-id").filter(|id| is_well_formed(id));
        match proxies.handed_on(request).then(given).flatten() {
            Some(id) => id.to_owned(),
            None => self.next(),
        }
    }
}

pub(crate) fn is_well_formed(id: &str) -> bool {
    LENGTHS.contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n4_only_what_looks_like_an_id_is_one() {
        for id in ["01JD9Z3K7Q8W", "f3a1-9c.d_0", &"a".repeat(64)] {
            assert!(is_well_formed(id), "{id}");
        }
        for id in ["", "short", &"a".repeat(65), "with space", "a\u{1b}[31mred", "{\"a\":\"b\"}", "ünïcödé"]
        {
            assert!(!is_well_formed(id), "{id}");
        }
    }
}
