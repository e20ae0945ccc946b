//! Lists that are answered page by page.

use crate::error::ApiError;
use crate::members::wrong;

/// How many entries are on a page unless a client says otherwise, and at most.
pub(crate) const USUAL_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 200;

/// Reads how many entries a page has at most. Empty means absent.
pub(crate) fn limit(text: Option<&str>) -> Result<Option<u32>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| is_number && (1..=LARGEST_LIMIT).contains(limit));
    let reason = format_args!("expected a number from 1 to {LARGEST_LIMIT}").to_string();
    limit.map(Some).ok_or_else(|| wrong("limit", reason))
}

/// The entry behind which the list goes on; `None` on a page that is not full, which is the last.
pub(crate) fn last_of_full<T>(page: &[T], limit: u32) -> Option<&T> {
    let is_full = u32::try_from(page.len()).is_ok_and(|count| count >= limit);
    page.last().filter(|_| is_full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_from_one_entry_to_two_hundred() {
        assert_eq!((limit(None).unwrap(), limit(Some("")).unwrap()), (None, None));
        assert_eq!((limit(Some("1")).unwrap(), limit(Some("200")).unwrap()), (Some(1), Some(200)));
        for odd in ["0", "201", "-1", "+1", "x", "99999999999"] {
            assert!(limit(Some(odd)).unwrap_err().to_string().starts_with("limit: "), "{odd}");
        }
        assert_eq!(
            (last_of_full(&[1, 2], 2), last_of_full(&[1], 2), last_of_full::<u8>(&[], 2)),
            (Some(&2), None, None)
        );
    }
}
