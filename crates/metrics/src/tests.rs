//! Every observer counts under the names that dashboards know.

use std::time::Duration;

use vestibule_domain::{ProviderName, ServiceName, Timestamp};
use vestibule_flows::{AuthorizationResult, CallbackRefusal, FlowObserver as _, IssuedToken, SignInResult};
use vestibule_http::{ObservedOperation, RequestObserver as _};
use vestibule_listener::{CloseReason, Observer as _};
use vestibule_plugin_host::{CacheResult, CallObserver as _, Operation, Outcome, PatchField};
use vestibule_storage::{OperationKind, OperationOutcome, StorageObserver as _};
use vestibule_upstream::{Step, UpstreamObserver as _, UpstreamOutcome};

use super::*;

const MOMENT: Duration = Duration::from_millis(3);

fn metrics() -> Metrics {
    Metrics::new("1.2.3", Timestamp::from_seconds(7))
}

fn assert_written(metrics: &Metrics, lines: &[&str]) {
    let text = metrics.encode().unwrap();
    for line in lines {
        assert!(text.lines().any(|written| written == *line), "{line} in {text}");
    }
}

#[test]
fn requests_are_counted_by_operation_and_status_whether_or_not_by_index() {
    let metrics = metrics();
    for index in [3, 3, 1000] {
        metrics.requests.answered(ObservedOperation { id: "read_jwks", index }, 200, MOMENT);
    }
    metrics.requests.answered(ObservedOperation { id: "read_jwks", index: 3 }, 405, MOMENT);
    metrics.requests.rate_limited("update_user", "account");
    assert_written(
        &metrics,
        &[
            "vestibule_http_requests_total{operation=\"read_jwks\",status=\"200\"} 3",
            "vestibule_http_requests_total{operation=\"read_jwks\",status=\"405\"} 1",
            "vestibule_http_request_seconds_count{operation=\"read_jwks\"} 4",
            "vestibule_http_request_seconds_bucket{le=\"0.0025\",operation=\"read_jwks\"} 0",
            "vestibule_http_request_seconds_bucket{le=\"0.005\",operation=\"read_jwks\"} 4",
            "vestibule_rate_limited_total{operation=\"update_user\",by=\"account\"} 1",
            "vestibule_build_info{version=\"1.2.3\"} 1",
            "process_start_time_seconds 7.0",
        ],
    );
}

#[test]
fn what_people_do_is_counted() {
    let metrics = metrics();
    let people = &metrics.people;
    people.sign_in_started("google");
    people.sign_in_finished("google", SignInResult::NewUser);
    people.callback_refused(CallbackRefusal::StateForged);
    people.sign_in_finished("google", SignInResult::RefusedByProvider);
    people.signed_out(true);
    people.signed_out(false);
    people.authorized(Some(&ServiceName::parse("storage").unwrap()), AuthorizationResult::Granted);
    people.authorized(None, AuthorizationResult::UnknownService);
    people.token_issued(IssuedToken::User);
    people.token_issued(IssuedToken::ReusedPermission);
    people.token_refused("shape");
    assert_written(
        &metrics,
        &[
            "vestibule_sign_ins_started_total{provider=\"google\"} 1",
            "vestibule_sign_ins_total{provider=\"google\",outcome=\"new_user\"} 1",
            "vestibule_callbacks_refused_total{reason=\"state_forged\"} 1",
            "vestibule_sign_ins_total{provider=\"google\",outcome=\"refused_by_provider\"} 1",
            "vestibule_sign_outs_total{scope=\"everywhere\"} 1",
            "vestibule_sign_outs_total{scope=\"session\"} 1",
            "vestibule_authorizations_total{service=\"storage\",outcome=\"granted\"} 1",
            "vestibule_authorizations_total{service=\"unknown\",outcome=\"unknown_service\"} 1",
            "vestibule_tokens_issued_total{kind=\"user\",source=\"signed\"} 1",
            "vestibule_tokens_issued_total{kind=\"permission\",source=\"reused\"} 1",
            "vestibule_tokens_refused_total{reason=\"shape\"} 1",
        ],
    );
}

#[test]
fn providers_the_database_and_connections_are_counted() {
    let metrics = metrics();
    metrics.upstream.request(&ProviderName::parse("github").unwrap(), UpstreamOutcome::ServerError, MOMENT);
    metrics.upstream.incomplete(&ProviderName::parse("github").unwrap(), Step::Emails);
    metrics.database.operation(OperationKind::Transaction, OperationOutcome::Ok, MOMENT);
    metrics.connections.open_connections(5);
    metrics.connections.open_connections(2);
    metrics.connections.closed_early(CloseReason::Evicted);
    assert_written(
        &metrics,
        &[
            "vestibule_upstream_requests_total{provider=\"github\",outcome=\"server_error\"} 1",
            "vestibule_upstream_incomplete_sign_ins_total{provider=\"github\",missing=\"emails\"} 1",
            "vestibule_upstream_request_seconds_count{provider=\"github\"} 1",
            "vestibule_database_operations_total{operation=\"transaction\",outcome=\"ok\"} 1",
            "vestibule_database_operation_seconds_count{operation=\"transaction\"} 1",
            "vestibule_http_connections 2",
            "vestibule_http_connections_refused_total{reason=\"displaced\"} 1",
        ],
    );
}

#[test]
fn calls_of_plugins_are_counted_and_a_panic_twice() {
    let metrics = metrics();
    let plugins = &metrics.plugins;
    plugins.observe("billing", Operation::Permissions, Outcome::Ok, MOMENT);
    plugins.observe("billing", Operation::Health, Outcome::Panic, MOMENT);
    plugins.waited("billing", Duration::from_micros(10));
    plugins.restarted("billing");
    plugins.cache("billing", CacheResult::Hit);
    plugins.patch_rejected("audit", PatchField::Other);
    assert_written(
        &metrics,
        &[
            "vestibule_plugin_calls_total{alias=\"billing\",operation=\"get_permissions\",outcome=\"ok\"} 1",
            "vestibule_plugin_calls_total{alias=\"billing\",operation=\"health\",outcome=\"panic\"} 1",
            "vestibule_plugin_call_seconds_count{alias=\"billing\"} 2",
            "vestibule_plugin_queue_wait_seconds_count{alias=\"billing\"} 1",
            "vestibule_plugin_panics_total{alias=\"billing\"} 1",
            "vestibule_plugin_restarts_total{alias=\"billing\"} 1",
            "vestibule_plugin_cache_total{alias=\"billing\",result=\"hit\"} 1",
            "vestibule_plugin_patch_rejected_total{alias=\"audit\",field=\"other\"} 1",
        ],
    );
}

#[test]
fn what_is_watched_is_read_at_each_scrape() {
    let metrics = metrics();
    let scrapes = std::sync::atomic::AtomicU64::new(0);
    metrics.watch_lost_lines(move || {
        let before = scrapes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        vec![("access", "sampled", before), ("other", "no_room", 4)]
    });
    assert!(!metrics.encode().unwrap().contains("trace_spans"), "which is not exported");
    metrics.watch_spans(|| vec![("sent", 2), ("dropped", 1)]);
    assert_written(
        &metrics,
        &[
            "vestibule_log_lines_lost_total{lines=\"access\",reason=\"sampled\"} 1",
            "vestibule_log_lines_lost_total{lines=\"other\",reason=\"no_room\"} 4",
            "vestibule_trace_spans_total{outcome=\"sent\"} 2",
            "vestibule_trace_spans_total{outcome=\"dropped\"} 1",
            "# EOF",
        ],
    );
}
