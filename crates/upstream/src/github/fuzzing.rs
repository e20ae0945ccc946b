//! The target of the fuzzer for the answers of GitHub's API.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

use http::HeaderMap;
use http::header::{HeaderValue, LINK};
use serde_json::Value;
use vestibule_domain::EmailAddress;

use super::emails::{Entry, KnownEmails};
use super::pages::next_page;
use super::user::User;
use crate::endpoint::Endpoint;

/// Only a number is somebody, only what is stated to be verified is verified, and no page is asked for at another place.
pub fn github_answers(bytes: &[u8]) {
    assert_pages_stay_below_the_api(bytes);
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Some(user) = User::read(&answer) {
        assert_eq!(answer.get("id").and_then(Value::as_u64), Some(user.id));
        assert!(user.name.is_some() || user.login.is_none(), "who has a login has a name");
    }
    if let Value::Array(list) = &answer {
        assert_addresses_are_as_stated(list);
    }
}

fn assert_addresses_are_as_stated(list: &[Value]) {
    let known = KnownEmails::new(list.iter().filter_map(Entry::read).collect());
    let states = |email: &str, verified: bool| {
        list.iter().any(|entry| {
            let stated = entry.get("email").and_then(Value::as_str);
            stated
                .and_then(|text| EmailAddress::parse(text).ok())
                .is_some_and(|stated| stated.as_str() == email)
                && (entry.get("verified") == Some(&Value::Bool(true))) == verified
        })
    };
    assert!(known.verified.iter().all(|email| states(email.as_str(), true)));
    assert!(known.verified.is_none() || known.unverified.is_none());
    assert!(known.unverified.iter().all(|email| states(email.as_str(), false)));
}

fn assert_pages_stay_below_the_api(bytes: &[u8]) {
    let Ok(link) = HeaderValue::from_bytes(bytes) else { return };
    let api = Endpoint::parse_base("https://github.example.com/api/v3").unwrap();
    let current = api.join("user/emails?per_page=100").unwrap();
    let next = next_page(&HeaderMap::from_iter([(LINK, link)]), &current);
    if let Some(next) = next.filter(|next| api.contains(next)) {
        assert_eq!(next.url().origin(), api.url().origin());
        assert!(next.url().path().starts_with("/api/v3/") && next.url().username().is_empty());
    }
}
