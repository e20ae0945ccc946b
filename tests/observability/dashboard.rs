//! The dashboard and the alerts ask for nothing that is not there.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use vestibule_test_support::TestDatabase;

use super::metrics::series;
use super::traffic;
use crate::documents::markdown::repository;
use crate::verifiers::interpreters::{python, run_well};

fn dashboard() -> Value {
    let text = fs::read_to_string(repository().join("deploy/grafana/vestibule.json")).unwrap();
    serde_json::from_str(&text).expect("the dashboard is JSON")
}

/// The words of an expression that are names of metrics of ours, or of a process.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("vestibule_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

fn expressions(dashboard: &Value) -> Vec<&str> {
    let targets = panels(dashboard).iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap()).collect()
}

/// What happens only when a plugin or a provider misbehaves has no series in a service that is well.
const OF_BAD_DAYS: [&str; 6] = [
    "vestibule_http_connections_refused_total",
    "vestibule_plugin_panics_total",
    "vestibule_plugin_restarts_total",
    "vestibule_provider_refusals_total",
    "vestibule_rate_limited_total",
    "vestibule_upstream_incomplete_sign_ins_total",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_dashboard_and_of_the_alerts_is_there() {
    let world = traffic::stage(TestDatabase::postgres()).start().await;
    let text = traffic::run(&world).await;
    let there: BTreeSet<_> =
        series(&text).iter().map(|series| series.split('{').next().unwrap().to_owned()).collect();
    let alerts = fs::read_to_string(repository().join("deploy/prometheus/alerts.yml")).unwrap();
    let dashboard = dashboard();
    let wanted: BTreeSet<_> =
        expressions(&dashboard).into_iter().flat_map(metrics_in).chain(metrics_in(&alerts)).collect();
    assert!(wanted.len() > 30, "{wanted:?}");
    for name in &wanted {
        assert!(there.contains(name) || OF_BAD_DAYS.contains(&name.as_str()), "{name} in {text}");
    }
    // And nothing is counted that nobody looks at, but for what tells which plugins there are.
    let shown = |name: &String| {
        let name = name.trim_end_matches("_bucket").trim_end_matches("_count").trim_end_matches("_sum");
        wanted.iter().any(|wanted| wanted.starts_with(name))
    };
    let unseen: Vec<_> = there.iter().filter(|name| !shown(name)).collect();
    assert_eq!(
        unseen,
        ["process_start_time_seconds", "process_virtual_memory_bytes", "vestibule_plugin_info"]
    );
}

#[test]
fn the_dashboard_can_be_imported_into_any_grafana() {
    let dashboard = dashboard();
    assert_eq!(dashboard["__inputs"][0]["name"], "DS_PROMETHEUS");
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36 && dashboard["id"].is_null());
    let ids: BTreeSet<_> = panels(&dashboard).iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels(&dashboard).len(), "ids are unique");
    for panel in panels(&dashboard).iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${DS_PROMETHEUS}", "{}", panel["title"]);
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
                assert_eq!(
                    expression.matches(open).count(),
                    expression.matches(close).count(),
                    "{expression}"
                );
            }
        }
    }
    assert_no_overlap(&dashboard);
}

fn assert_no_overlap(dashboard: &Value) {
    let mut taken = BTreeSet::new();
    for panel in panels(dashboard) {
        let position = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(position("x") + position("w") <= 24, "{}", panel["title"]);
        for x in position("x")..position("x") + position("w") {
            for y in position("y")..position("y") + position("h") {
                assert!(taken.insert((x, y)), "{} lies over another", panel["title"]);
            }
        }
    }
}

/// Reads both files, and every expression in them as Prometheus would.
const PARSER: &str = r#"
import json, sys, yaml, promql_parser
dashboard = json.load(open(sys.argv[1]))
alerts = yaml.safe_load(open(sys.argv[2]))
rules = [rule for group in alerts["groups"] for rule in group["rules"]]
expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
for expression in expressions + [rule["expr"] for rule in rules]:
    for variable, value in [("$__rate_interval", "5m"), ("$job", ".*"), ("$instance", ".*")]:
        expression = expression.replace(variable, value)
    promql_parser.parse(expression)
for rule in rules:
    assert rule["alert"] and rule["labels"]["severity"] and rule["annotations"]["summary"], rule
print(len(rules))
"#;

#[test]
fn every_expression_is_one_that_prometheus_understands() {
    let mut parser = python();
    parser.args(["-c", PARSER]);
    parser.args(
        ["deploy/grafana/vestibule.json", "deploy/prometheus/alerts.yml"].map(|file| repository().join(file)),
    );
    let alerts: usize = run_well(parser).trim().parse().unwrap();
    assert!(alerts > 8, "{alerts}");
}
