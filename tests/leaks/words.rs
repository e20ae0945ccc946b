//! Words that speak of the inside, which no answer may hold.

use vestibule_test_support::Answer;

const INSIDE: [&str; 26] = [
    "SELECT",
    "INSERT",
    "UPDATE ",
    "WHERE",
    "PRAGMA",
    "constraint",
    "diesel",
    "deadpool",
    "tokio",
    "hyper",
    "serde",
    "postgres",
    "Postgres",
    "sqlite",
    "SQLite",
    "::",
    ".rs",
    "vestibule.db",
    "/tmp",
    "127.0.0.1",
    "refused",
    "os error",
    "panicked",
    "Error(",
    "Some(",
    "thread",
];

/// Holds an error to the outside of things.
pub(super) fn assert_of_the_outside(answer: &Answer) {
    assert!(answer.status.as_u16() >= 400, "{answer:?}");
    for word in INSIDE {
        assert!(!answer.body.contains(word), "{word:?} in {}: {}", answer.url, answer.body);
    }
    let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(answer.body.contains(id), "the request id is in {}", answer.body);
}
