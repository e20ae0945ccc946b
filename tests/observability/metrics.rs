//! The metrics say what happened, in a form that Prometheus reads, and nobody outside can make them grow.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use vestibule_test_support::{Method, TestDatabase};

use super::traffic;
use crate::documents::markdown::repository;
use crate::verifiers::interpreters::python;
use crate::world::on_both_databases;

/// Reads the text as strictly as the reference implementation does, and looks at what each metric says of itself.
const PARSER: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
names = [family.name for family in families]
assert len(names) == len(set(names)), "a family is there twice"
for family in families:
    assert family.documentation, family.name + " has no help"
    if family.unit:
        assert family.name.endswith("_" + family.unit), family.name
    if family.type == "histogram":
        assert family.unit == "seconds", family.name
print(len(families))
"#;

/// What the reference implementation says of the text.
fn parse_strictly(text: &str) -> usize {
    let mut parser = python();
    parser.args(["-c", PARSER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = parser.spawn().unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Name and labels of every line that has a value.
pub(super) fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// A number that is whole.
fn count(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).parse().unwrap()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).parse().unwrap()
}

on_both_databases! {
    async fn what_happened_is_counted_under_its_name(database) {
        let world = traffic::stage(database).start().await;
        let text = traffic::run(&world).await;
        assert!(parse_strictly(&text) > 30, "{text}");
        for (name, expected) in [
            ("vestibule_sign_ins_total{provider=\"google\",outcome=\"new_user\"}", 1),
            ("vestibule_sign_ins_total{provider=\"google\",outcome=\"signed_in\"}", 1),
            ("vestibule_sign_ins_total{provider=\"github\",outcome=\"signed_in\"}", 1),
            ("vestibule_sign_ins_total{provider=\"github\",outcome=\"provider_unavailable\"}", 1),
            ("vestibule_sign_ins_started_total{provider=\"corporate\"}", 1),
            ("vestibule_callbacks_refused_total{reason=\"state_replayed\"}", 1),
            ("vestibule_callbacks_refused_total{reason=\"other_browser\"}", 1),
            ("vestibule_callbacks_refused_total{reason=\"state_forged\"}", 1),
            ("vestibule_sign_outs_total{scope=\"session\"}", 1),
            ("vestibule_sign_outs_total{scope=\"everywhere\"}", 1),
            ("vestibule_authorizations_total{service=\"storage\",outcome=\"granted\"}", 2),
            ("vestibule_authorizations_total{service=\"unknown\",outcome=\"unknown_service\"}", 1),
            ("vestibule_tokens_issued_total{kind=\"permission\",source=\"signed\"}", 1),
            ("vestibule_tokens_issued_total{kind=\"permission\",source=\"reused\"}", 1),
            ("vestibule_tokens_refused_total{reason=\"shape\"}", 1),
            ("vestibule_tokens_refused_total{reason=\"too_large\"}", 1),
            ("vestibule_upstream_requests_total{provider=\"github\",outcome=\"server_error\"}", 1),
            ("vestibule_keys{state=\"signing\"}", 1),
            ("vestibule_keys{state=\"next\"}", 1),
        ] {
            assert_eq!(count(&text, name), expected, "{name}");
        }
        assert_kept_in_bounds(&text);
    }
}

fn assert_kept_in_bounds(text: &str) {
    for (name, least, most) in [
        ("vestibule_upstream_request_seconds_count{provider=\"google\"}", 1.0, 100.0),
        ("vestibule_database_operations_total{operation=\"transaction\",outcome=\"ok\"}", 4.0, 1e6),
        ("vestibule_database_operation_seconds_count{operation=\"read\"}", 4.0, 1e6),
        ("vestibule_signing_key_age_seconds", 0.0, 3600.0),
        ("vestibule_next_key_activation_seconds", 1800.0, 3600.0),
        ("vestibule_runtime_workers", 1.0, 1e4),
        ("vestibule_runtime_busy_seconds_total", 0.0, 1e4),
        ("process_open_fds", 5.0, 1e4),
        ("process_cpu_seconds_total", 0.001, 1e4),
        ("process_start_time_seconds", 1.7e9, 1e10),
        ("process_resident_memory_bytes", 1e7, 1e9),
    ] {
        let found = value(text, name);
        assert!((least..=most).contains(&found), "{name} is {found}");
    }
    let open = text.lines().filter(|line| line.starts_with("vestibule_database_connections{")).count();
    assert!(open >= 2, "{text}");
}

/// What is not in the document is not found by those who need it.
#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented() {
    let world = traffic::stage(TestDatabase::sqlite()).start().await;
    let text = traffic::run(&world).await;
    let document = ["docs/observability.md", "docs/plugins/README.md"]
        .map(|file| std::fs::read_to_string(repository().join(file)).unwrap())
        .concat();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert!(document.contains(&format!("`{name}{suffix}`")), "{name}{suffix}");
    }
}

/// Names that existed before, on dashboards of others.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_their_names() {
    let world = traffic::stage(TestDatabase::sqlite()).start().await;
    let text = traffic::run(&world).await;
    for name in [
        "vestibule_http_requests_total",
        "vestibule_http_request_seconds_bucket",
        "vestibule_plugin_calls_total",
        "vestibule_plugin_call_seconds_bucket",
        "vestibule_plugin_queue_wait_seconds_bucket",
        "vestibule_plugin_inflight",
        "vestibule_plugin_stuck_threads",
        "vestibule_plugin_breaker_state",
        "vestibule_plugin_cache_total",
        "vestibule_plugin_info",
        "vestibule_build_info",
    ] {
        assert!(
            series(&text).iter().any(|series| series.starts_with(&format!("{name}{{"))),
            "{name} in {text}"
        );
    }
}

/// Whoever sends odd words, methods and paths finds them in no label.
#[tokio::test(flavor = "multi_thread")]
async fn k7_a_flood_of_odd_requests_makes_no_more_than_a_handful_of_series() {
    let world = traffic::stage(TestDatabase::sqlite()).start().await;
    let before = series(&traffic::run(&world).await);
    let browser = world.browser();
    for number in 0..100 {
        for address in [
            format!("/k4n4ry-{number}"),
            format!("/auth/login/k4n4ry-{number}"),
            format!("/auth/authorize?service=k4n4ry-{number}"),
            format!("/auth/oauth_callback?state=k4n4ry-{number}"),
            format!("/auth/callback/k4n4ry-{number}"),
            format!("/assets/k4n4ry-{number}"),
        ] {
            browser.get(&address).await;
        }
        let method = Method::from_bytes(format!("K4N4RY{number}").as_bytes()).unwrap();
        browser.send(browser.request(method, "/auth/check")).await;
    }
    let after = traffic::metrics(&world).await;
    assert!(!after.to_lowercase().contains("k4n4ry"), "{after}");
    let new: Vec<_> = series(&after).difference(&before).cloned().collect();
    assert!(new.len() < 60, "{new:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_what_is_refused_because_there_is_too_much_of_it_is_counted() {
    let settings = traffic::stage(TestDatabase::sqlite()).setting("TRUSTED_PROXIES", "127.0.0.1");
    let world = settings.setting("RATE_LIMIT_LOOKUP_PER_ADDRESS", "5/20h").start().await;
    let browser = world.browser();
    for _ in 0..7 {
        let request = browser.request(Method::GET, "/auth/resolve?username=ada");
        browser.send(request.header("x-forwarded-for", "203.0.113.7")).await;
    }
    let text = traffic::metrics(&world).await;
    assert_eq!(
        count(&text, "vestibule_rate_limited_total{operation=\"resolve_username\",by=\"address\"}"),
        2
    );
}
