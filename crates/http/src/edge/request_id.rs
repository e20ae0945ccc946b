//! The name of a request, in the answer and in every line that is logged for it.

use poem::Request;

use super::Edge;

/// The id of a request, in its data.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    pub(super) fn put(mut request: Request, id: &str) -> Request {
        request.set_data(Self(id.to_owned()));
        request
    }
}

/// What a proxy may call a request: long enough to be one of a kind, short enough for every line.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;

impl Edge {
    /// The id that a trusted proxy has given the request, so that both logs speak of it by one name; else a new one. From
    /// anybody else it would let a client choose the words by which an operator searches the log.
    pub(super) fn request_id(&self, request: &Request) -> String {
        let given = || request.header("x-request-id").filter(|id| is_well_formed(id));
        match self.trusted_proxies.handed_on(request).then(given).flatten() {
            Some(id) => id.to_owned(),
            None => self.ids.next(),
        }
    }
}

pub(super) fn is_well_formed(id: &str) -> bool {
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
