//! What tests expect of answers of several kinds.

use crate::Answer;

/// A plain page that says why nothing happens, and leads nowhere by itself.
pub fn assert_refusal_page(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 400, "{why}: {}", answer.body);
    assert!(answer.body.contains(&format!("<h1>{why}</h1>")), "{why}: {}", answer.body);
    assert!(answer.body.contains("Start again</a>"));
    assert!(answer.header("location").is_none() && answer.header("refresh").is_none(), "{answer:?}");
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    assert_page(answer);
}

/// A page that loads scripts and styles from files of ours alone, that nobody frames and no cache keeps.
fn assert_page(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").expect("a policy");
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// Pages of this origin may read the answer.
pub fn assert_readable_by(answer: &Answer, origin: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{answer:?}");
    assert_eq!(answer.headers.get_all("access-control-allow-origin").iter().count(), 1);
    assert_varies_by_origin(answer);
}

/// No page of another origin may read the answer.
pub fn assert_unreadable(answer: &Answer) {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    let cors: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
    assert!(cors.is_empty(), "{cors:?} in {answer:?}");
    assert_varies_by_origin(answer);
}

/// A cache must not give one origin's answer to another.
fn assert_varies_by_origin(answer: &Answer) {
    let vary: Vec<_> =
        answer.headers.get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(vary.join(",").to_lowercase().contains("origin"), "{answer:?}");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{answer:?}");
}

/// The user token of a sign-in that succeeded.
pub fn signed_in_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let token = answer.location_parameter("jwt");
    token.unwrap_or_else(|| panic!("no token in {:?}", answer.header("location")))
}

/// The `error` of a sign-in that brought the browser back to the frontend with it and with nothing else.
pub fn sign_in_error(answer: &Answer, frontend: &str) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let error = answer.location_parameter("error").unwrap_or_else(|| panic!("{}", answer.location()));
    assert_eq!(answer.location().as_str(), format!("{frontend}?error={error}"));
    error
}
