//! Traces reach a collector whole, hold nothing that is anybody's, and harm nobody when it is down.

use opentelemetry_proto::tonic::trace::v1::Span;
use vestibule_test_support::{Method, TestDatabase, eventually};

use super::collector::{Collector, attribute};
use super::traffic;
use crate::authorize::granted;
use crate::world::{APP, World, WorldBuilder, on_both_databases};

/// What a trace that somebody else has begun is called, and its span there.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn traced(database: TestDatabase, collector: &Collector) -> WorldBuilder {
    traffic::stage(database)
        .setting("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .setting("OTEL_SERVICE_NAME", "front-door")
        // As soon as may be, so that no test waits five seconds.
        .setting("OTEL_BSP_SCHEDULE_DELAY", "50")
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// Whether one is below the other, however far.
fn is_below(spans: &[Span], span: &Span, root: &Span) -> bool {
    if span.parent_span_id == root.span_id {
        return true;
    }
    let parent = spans.iter().find(|parent| parent.span_id == span.parent_span_id);
    parent.is_some_and(|parent| is_below(spans, parent, root))
}

/// What is below a span, as names with what tells them apart, in the order of time.
fn tree(spans: &[Span], root: &Span) -> Vec<String> {
    let mut below: Vec<_> =
        spans.iter().filter(|span| span.trace_id == root.trace_id && is_below(spans, span, root)).collect();
    below.sort_by_key(|span| span.start_time_unix_nano);
    let describe = |span: &&Span| {
        let what = ["operation", "provider"].iter().find_map(|name| attribute(span, name));
        format!("{} {}", span.name, what.unwrap_or_default())
    };
    below.iter().map(describe).collect()
}

async fn until_seen(collector: &Collector, name: &str, count: usize) {
    eventually(&format!("{count} of {name}"), async || named(&collector.spans(), name).len() >= count).await;
}

on_both_databases! {
    async fn a_sign_in_and_an_authorization_are_trees_with_all_that_they_waited_for(database) {
        let collector = Collector::start();
        let world = traced(database, &collector).start().await;
        let token = world.sign_in("google", "ada").await;
        granted(&world, &token, "storage").await;
        until_seen(&collector, "authorize_service", 1).await;
        until_seen(&collector, "finish_sign_in", 1).await;
        let spans = collector.spans();

        let sign_in = named(&spans, "finish_sign_in")[0];
        let below = tree(&spans, sign_in);
        let position = |what: &str| below.iter().position(|name| name == what).unwrap_or_else(|| panic!("{what} in {below:?}"));
        let order = [
            "database write", "upstream_request google", "database transaction", "plugin_call on_new_user",
            "plugin_call on_user_login",
        ];
        let positions = order.map(position);
        assert!(positions.is_sorted(), "{below:?}");
        let operations: Vec<_> = named(&spans, "database")
            .into_iter()
            .filter(|span| is_below(&spans, span, sign_in))
            .filter_map(|span| attribute(span, "db.operation.name"))
            .collect();
        for name in ["spend_attempt", "finish_sign_in"] {
            assert!(operations.iter().any(|found| found == name), "{name} in {operations:?}");
        }
        assert_eq!(attribute(sign_in, "http.request.method").as_deref(), Some("GET"));
        assert_eq!(attribute(sign_in, "http.response.status_code").as_deref(), Some("303"));
        assert_eq!(sign_in.kind, 2, "a server's");
        assert!(named(&spans, "upstream_request").iter().all(|span| span.kind == 3), "a client's");

        let authorize = named(&spans, "authorize_service")[0];
        let below = tree(&spans, authorize);
        // Whether the database was asked for the session depends on what was known of it: before the plugin is called, after its
        // answer, and after the signature.
        let is_call = |name: &String| name == "plugin_call get_permissions";
        let call = below.iter().position(is_call).unwrap_or_else(|| panic!("{below:?}"));
        let (before, after) = (&below[..call], &below[call + 1..]);
        assert!(before.iter().chain(after).all(|name| name == "database read"), "{below:?}");
        assert!(after.len() <= 2, "{below:?}");
        assert!(authorize.parent_span_id.is_empty() && authorize.trace_id != sign_in.trace_id);
        let lines = world.program.logs();
        let request = attribute(authorize, "request_id").unwrap();
        assert!(lines.contains(&request), "the log has the request {request}");
    }
}

async fn check_within(world: &World, trace: &str) {
    let browser = world.browser();
    let request = browser.request(Method::GET, "/auth/check").header("traceparent", trace);
    assert_eq!(browser.send(request).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_that_a_trusted_proxy_has_begun_and_no_other() {
    let collector = Collector::start();
    let trusting = traced(TestDatabase::sqlite(), &collector).setting("TRUSTED_PROXIES", "127.0.0.1");
    let trusting = trusting.start().await;
    check_within(&trusting, &format!("00-{TRACE}-{PARENT}-01")).await;
    // Whoever began this one does not want it, and the rubbish is nobody's.
    check_within(&trusting, &format!("00-{}-{PARENT}-00", TRACE.replace('0', "1"))).await;
    check_within(&trusting, "00-rubbish").await;
    until_seen(&collector, "check_session", 2).await;
    let spans = collector.spans();
    let ids: Vec<_> = named(&spans, "check_session").iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!(ids.iter().filter(|id| *id == TRACE).count(), 1, "{ids:?}");
    assert_eq!(ids.len(), 2, "{ids:?}");
    let child =
        spans.iter().find(|span| hex(&span.trace_id) == TRACE && span.name == "check_session").unwrap();
    assert_eq!(hex(&child.parent_span_id), PARENT);

    let other = Collector::start();
    let world = traced(TestDatabase::sqlite(), &other).start().await;
    check_within(&world, &format!("00-{TRACE}-{PARENT}-01")).await;
    until_seen(&other, "check_session", 1).await;
    assert!(other.spans().iter().all(|span| hex(&span.trace_id) != TRACE));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampler_that_wants_nothing_sends_nothing_but_what_its_callers_want() {
    let collector = Collector::start();
    let settings = traced(TestDatabase::sqlite(), &collector).setting("TRUSTED_PROXIES", "127.0.0.1");
    let settings = settings.setting("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    let world = settings.setting("OTEL_TRACES_SAMPLER_ARG", "0").start().await;
    for _ in 0..20 {
        world.browser().get("/auth/check").await;
    }
    check_within(&world, &format!("00-{TRACE}-{PARENT}-01")).await;
    until_seen(&collector, "check_session", 1).await;
    assert!(collector.spans().iter().all(|span| hex(&span.trace_id) == TRACE), "{:?}", collector.spans());
}

/// The collector is down, is up, and is down again: each time one warning, whatever happens meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_costs_its_spans_and_one_warning() {
    let collector = Collector::start();
    let world = traced(TestDatabase::sqlite(), &collector)
        .setting("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer k4n4ry-of-the-collector")
        .start()
        .await;
    let told = |text: &str| world.program.logs().matches(text).count();
    collector.refuse(true);
    eventually("the warning", async || {
        world.sign_in("google", "ada").await;
        told("the collector does not take spans") == 1
    })
    .await;
    let dropped = async || number(&traffic::metrics(&world).await, "dropped");
    let before = dropped().await;
    eventually("more spans are dropped", async || {
        world.sign_in("google", "ada").await;
        dropped().await > before
    })
    .await;
    assert_eq!(told("the collector does not take spans"), 1);
    collector.refuse(false);
    eventually("it is well again", async || {
        world.browser().get("/auth/check").await;
        told("the collector takes spans again") == 1
    })
    .await;
    assert!(number(&traffic::metrics(&world).await, "sent") > 0.0);
    assert!(collector.received().contains("k4n4ry-of-the-collector"), "the collector knows who sends");
    assert!(!world.program.logs().contains("k4n4ry"), "and nobody else does");
}

fn number(metrics: &str, outcome: &str) -> f64 {
    let series = format!("vestibule_trace_spans_total{{outcome=\"{outcome}\"}} ");
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(&series))
        .unwrap_or_else(|| panic!("{metrics}"))
        .parse()
        .unwrap()
}

/// A service that ends sends what it still has.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_sent_before_the_service_ends() {
    let collector = Collector::start();
    let settings = traced(TestDatabase::sqlite(), &collector).setting("OTEL_BSP_SCHEDULE_DELAY", "60000");
    let mut world = settings.start().await;
    world.browser().get(&format!("/auth/check?next={APP}")).await;
    world.program.stop().await;
    assert!(!named(&collector.spans(), "check_session").is_empty());
}
