use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;

use super::*;
use crate::failure::FailureKind;
use crate::unavailability::Unavailability;

const SECOND: Duration = Duration::from_secs(1);

fn cache() -> PermissionCache {
    PermissionCache::new(None)
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "a verdict is wanted")]
fn granted(number: u64) -> Verdict {
    Ok(json!({"number": number}).as_object().unwrap().clone())
}

/// The answer, if it may be used.
fn fresh(cache: &PermissionCache, asked: &CacheQuery, now: Instant) -> Option<Verdict> {
    match cache.find(asked, now) {
        Known::Fresh(verdict) => Some(verdict),
        Known::Stale | Known::Nothing => None,
    }
}

/// For how many seconds an answer is kept.
fn kept_for(cache: &PermissionCache, verdict: &Verdict, ttl_seconds: Option<u32>) -> u64 {
    let (asked, now) = (cache.question(&user("ada"), None, "{}"), Instant::now());
    cache.entries.clear();
    cache.keep(&asked, verdict, ttl_seconds, now);
    (0..100_000).find(|seconds| fresh(cache, &asked, now + SECOND * *seconds).is_none()).unwrap().into()
}

#[test]
fn nothing_is_kept_unless_the_plugin_says_so() {
    for ttl in [None, Some(0)] {
        let cache = cache();
        assert_eq!(kept_for(&cache, &granted(1), ttl), 0);
    }
}

#[test]
fn an_answer_is_kept_for_as_long_as_the_plugin_says_and_the_operator_allows() {
    for (max_ttl, asked, least, most) in [
        (None, 100, 90, 100),
        (None, 100_000, 270, 300),
        (None, u32::MAX, 270, 300),
        (Some(SECOND * 1_000), 100_000, 900, 1_000),
        (Some(SECOND * 10), 100, 9, 10),
        (Some(Duration::ZERO), 100, 0, 0),
    ] {
        for _ in 0..20 {
            let kept = kept_for(&PermissionCache::new(max_ttl), &granted(1), Some(asked));
            assert!((least..=most).contains(&kept), "{max_ttl:?}, {asked}: {kept}");
        }
    }
}

#[test]
fn failures_are_never_kept_and_a_denial_for_five_seconds_at_most() {
    let failed = |kind| Err(CallFailure::Failed { alias: "a".into(), kind });
    for verdict in [
        failed(FailureKind::Fatal),
        failed(FailureKind::NoOpinion),
        failed(FailureKind::MayNotDeny),
        failed(FailureKind::NoReply),
        Err(CallFailure::unavailable("a", Unavailability::Retry)),
        Err(CallFailure::unavailable("a", Unavailability::Timeout)),
    ] {
        assert_eq!(kept_for(&cache(), &verdict, Some(100)), 0, "{verdict:?}");
    }
    let denied = Err(CallFailure::Denied("no".into()));
    assert!((1..=5).contains(&kept_for(&cache(), &denied, Some(100))));
    assert_eq!(kept_for(&cache(), &denied, None), 0);
}

#[test]
fn use_prolongs_nothing() {
    let (cache, now) = (cache(), Instant::now());
    let asked = cache.question(&user("ada"), None, "{}");
    cache.keep(&asked, &granted(1), Some(100), now);
    for second in 0..90 {
        assert_eq!(fresh(&cache, &asked, now + SECOND * second), Some(granted(1)));
    }
    assert_eq!(fresh(&cache, &asked, now + SECOND * 100), None);
}

#[test]
fn another_context_is_another_question() {
    let (cache, now) = (cache(), Instant::now());
    let asked = cache.question(&user("ada"), None, r#"{"a":1}"#);
    cache.keep(&asked, &granted(1), Some(100), now);
    let other = cache.question(&user("ada"), None, r#"{"a":2}"#);
    assert!(matches!(cache.find(&other, now), Known::Stale));
    let same = cache.question(&user("ada"), None, r#"{"a":1}"#);
    assert_eq!(fresh(&cache, &same, now), Some(granted(1)));
    assert!(matches!(cache.find(&cache.question(&user("bob"), None, r#"{"a":1}"#), now), Known::Nothing));
}

#[test]
fn e9_a_question_is_the_same_only_about_the_same_user_in_the_same_session_with_the_same_words() {
    let cache = cache();
    let session = |id| SessionId::parse(id).unwrap();
    let what =
        |id, session: Option<&SessionId>, context| cache.question(&user(id), session, context).digest();
    let (first, second) = (session("first"), session("second"));
    let asked = what("ada", Some(&first), "{}");
    assert!(asked == what("ada", Some(&first), "{}"));
    for other in [
        what("ada", Some(&second), "{}"),
        what("ada", None, "{}"),
        what("bob", Some(&first), "{}"),
        what("ada", Some(&first), "{\"a\":1}"),
        what("firsta", Some(&session("d")), "a{}"),
    ] {
        assert!(asked != other);
    }
}

#[test]
fn e9_an_answer_of_one_session_is_not_used_in_another() {
    let (cache, now) = (cache(), Instant::now());
    let question = |session| cache.question(&user("ada"), Some(&SessionId::parse(session).unwrap()), "{}");
    for (session, number) in [("first", 1), ("second", 2)] {
        assert!(fresh(&cache, &question(session), now).is_none());
        cache.keep(&question(session), &granted(number), Some(100), now);
    }
    assert_eq!(fresh(&cache, &question("first"), now), Some(granted(1)), "they do not push each other out");
    cache.forget(&user("ada"));
    for session in ["first", "second"] {
        assert!(matches!(cache.find(&question(session), now), Known::Nothing));
    }
}

#[test]
fn e9_a_user_who_is_forgotten_is_asked_about_afresh() {
    let (cache, now) = (cache(), Instant::now());
    let asked = cache.question(&user("ada"), None, "{}");
    cache.keep(&asked, &granted(1), Some(100), now);
    cache.forget(&user("ada"));
    assert!(matches!(cache.find(&cache.question(&user("ada"), None, "{}"), now), Known::Nothing));
}

#[test]
fn e9_everybody_is_forgotten_with_what_was_on_its_way() {
    let (cache, now) = (cache(), Instant::now());
    let asked = ["ada", "bob"].map(|id| cache.question(&user(id), None, "{}"));
    cache.keep(&asked[0], &granted(1), Some(100), now);
    cache.forget_everybody();
    cache.keep(&asked[1], &granted(1), Some(100), now);
    for id in ["ada", "bob"] {
        assert_eq!(fresh(&cache, &cache.question(&user(id), None, "{}"), now), None);
    }
}

#[test]
fn e9_an_answer_that_was_on_its_way_when_the_user_was_forgotten_is_not_used() {
    let (cache, now) = (cache(), Instant::now());
    let before = cache.question(&user("ada"), None, "{}");
    cache.forget(&user("ada"));
    let after = cache.question(&user("ada"), None, "{}");
    assert!(before.digest() != after.digest(), "the call under way is not shared");
    cache.keep(&before, &granted(1), Some(100), now);
    assert_eq!(fresh(&cache, &after, now), None);
    // Even when it comes between the look at the epoch and the insertion.
    let entry = Entry { asked: before, verdict: granted(1), until: now + SECOND, bytes: 1 };
    cache.entries.insert((user("ada"), None), Arc::new(entry));
    assert_eq!(fresh(&cache, &after, now), None);
}

#[test]
fn k6_the_memory_of_what_is_kept_is_bounded_whatever_a_plugin_answers() {
    let (cache, now) = (cache(), Instant::now());
    // Twelve KiB as a text.
    let objects = json!({"a": vec![json!({"": 0}); 1_600]});
    let large = Ok(objects.as_object().unwrap().clone());
    for number in 0..100 {
        let asked = cache.question(&user(&format!("user-{number}")), None, "{}");
        cache.keep(&asked, &large, Some(100), now);
    }
    assert!(cache.entries.weight() <= CAPACITY_BYTES);
    assert!(cache.entries.len() < 64, "{} answers of a MiB", cache.entries.len());
}

#[test]
fn e9_on_many_threads_no_answer_of_before_is_found_after_a_user_is_forgotten() {
    let cache = cache();
    let generation = AtomicU64::new(0);
    let ada = user("ada");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let asked = cache.question(&ada, None, "{}");
                    let now = generation.load(Ordering::SeqCst);
                    cache.keep(&asked, &granted(now), Some(100), Instant::now());
                }
            });
        }
        scope.spawn(|| {
            for number in 1..=20_000 {
                generation.store(number, Ordering::SeqCst);
                cache.forget(&ada);
                if let Some(found) = fresh(&cache, &cache.question(&ada, None, "{}"), Instant::now()) {
                    assert_eq!(found, granted(number), "an answer of before");
                }
            }
        });
    });
}
