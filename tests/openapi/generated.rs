//! Schemathesis makes requests out of the document, good ones and bad ones, and holds every answer to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_test_support::TestDatabase;

use super::Document;
use crate::verifiers::interpreters::{python, run};
use crate::world::World;

const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/generated");

/// All that there are in the version that is installed.
const CHECKS: [&str; 14] = [
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "object_level_authorization",
    "positive_data_acceptance",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
];

/// A run against one document, with the report of it.
struct Run {
    folder: TempDir,
    document: PathBuf,
    signed_in: bool,
}

/// What came back, and what the checks said of it. Everything is by the path of the operation.
#[derive(Default)]
struct Report {
    answers: BTreeMap<String, Vec<(u64, String)>>,
    /// By name of the check, where it said yes, and where it said no.
    passed: BTreeMap<String, BTreeSet<String>>,
    failed: BTreeMap<String, BTreeSet<String>>,
}

impl Run {
    /// Against this document, which is the service's own unless the test has changed it.
    fn of(document: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openapi.json");
        fs::write(&path, document.to_string()).unwrap();
        Self { folder, document: path, signed_in: false }
    }

    fn signed_in(mut self) -> Self {
        self.signed_in = true;
        self
    }

    fn go(&self, world: &World, arguments: &[&str]) -> (Output, Report) {
        let report = self.folder.path().join("report.ndjson");
        let mut command = python();
        command.current_dir(self.folder.path()).env("NO_PROXY", "*");
        command.env("SCHEMATHESIS_HOOKS", format!("{OURS}/hooks.py"));
        if self.signed_in {
            command.env("SIGNED_IN", "yes");
        }
        command.args([
            "-m",
            "schemathesis.cli",
            "--config-file",
            &format!("{OURS}/schemathesis.toml"),
            "run",
        ]);
        command.arg(&self.document).args(["--url", &world.program.base_url(), "--checks", "all"]);
        command.args(["--seed", "1", "--generation-database", "none", "--continue-on-failure", "--no-color"]);
        command.args(["--report", "ndjson", "--report-ndjson-path"]).arg(&report).args(arguments);
        let output = run(command);
        let report = fs::read_to_string(&report).unwrap_or_else(|_| panic!("no report: {}", said(&output)));
        (output, Report::read(&report))
    }
}

impl Report {
    fn read(lines: &str) -> Self {
        let mut report = Self::default();
        for line in lines.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let scenario = &event["ScenarioFinished"]["recorder"];
            for (id, case) in scenario["cases"].as_object().into_iter().flatten() {
                let path = case["value"]["path"].as_str().unwrap();
                report.add(path, &scenario["interactions"][id]["response"], &scenario["checks"][id]);
            }
        }
        report
    }

    fn add(&mut self, path: &str, response: &Value, checks: &Value) {
        let status = response["status_code"].as_u64().unwrap_or_else(|| panic!("{path}: no answer"));
        let body =
            BASE64_STANDARD.decode(response["content"]["$base64"].as_str().unwrap_or_default()).unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        self.answers.entry(path.to_owned()).or_default().push((status, body));
        for check in checks.as_array().into_iter().flatten() {
            let passed = check["status"] == "success";
            let said = if passed { &mut self.passed } else { &mut self.failed };
            said.entry(check["name"].as_str().unwrap().to_owned()).or_default().insert(path.to_owned());
        }
    }

    /// Whether some answer of this path has this status, and this text in its body.
    fn has(&self, path: &str, status: u64, text: &str) -> bool {
        self.answers[path].iter().any(|(its_status, body)| *its_status == status && body.contains(text))
    }

    fn assert_all_is_well(&self, document: &Document, output: &Output) {
        let paths: BTreeSet<_> = document.operations().iter().map(|it| it.path.to_owned()).collect();
        assert!(self.answers.keys().eq(&paths), "{:?}", self.answers.keys());
        for check in CHECKS {
            let seen = self.passed.get(check).is_some_and(|at| check == "ignored_auth" || *at == paths);
            assert!(seen, "{check} looked at {:?} only", self.passed.get(check));
        }
        assert!(output.status.success() && self.failed.is_empty(), "{}", said(output));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The stage without limits, and its document.
async fn stage() -> (World, Document) {
    let world = World::builder(TestDatabase::sqlite()).without_limits().start().await;
    let document = Document::parse(&world.browser().get("/openapi.json").await.body);
    (world, document)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_anybody_asks_is_answered_as_the_document_says() {
    let (world, document) = stage().await;
    let (output, report) = Run::of(document.root()).go(&world, &["--max-examples", "50"]);
    report.assert_all_is_well(&document, &output);
    for (path, status, text) in [
        ("/auth/check", 200, r#""authenticated":false"#),
        ("/auth/check", 400, "invalid_next"),
        ("/auth/authorize", 200, r#"{"permissions":{}}"#),
        ("/auth/login/{provider}", 303, ""),
        ("/auth/login/{provider}", 404, "unknown_provider"),
        ("/auth/oauth_callback", 400, "<!doctype html>"),
        ("/auth/callback/{provider}", 400, "<!doctype html>"),
        ("/auth/callback/{provider}", 404, "<!doctype html>"),
        ("/auth/update", 200, r#""success":false"#),
        ("/auth/logout", 200, r#""success":true"#),
    ] {
        assert!(report.has(path, status, text), "{path}: no {status} with {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_somebody_who_is_signed_in_asks_is_answered_as_the_document_says() {
    let (world, document) = stage().await;
    let (output, report) = Run::of(document.root()).signed_in().go(&world, &["--max-examples", "50"]);
    report.assert_all_is_well(&document, &output);
    for (path, status, text) in [
        ("/auth/check", 200, r#""authenticated":true"#),
        ("/auth/authorize", 200, r#""service":"storage""#),
        ("/auth/oauth_callback", 303, ""),
        ("/auth/callback/{provider}", 303, ""),
        ("/auth/update", 200, r#""success":true"#),
        ("/auth/resolve", 200, r#"{"userid":""#),
        ("/auth/get_profile", 200, r#""found":true"#),
    ] {
        assert!(report.has(path, status, text), "{path}: no {status} with {text}");
    }
}

/// The two tests above can fail: where the document says anything else, the tool sees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_not_true_does_not_pass() {
    let (world, document) = stage().await;
    let mut untrue = document.root().clone();
    untrue["components"]["schemas"]["HealthAnswer"]["properties"]["status"]["type"] = json!("integer");
    let redirect = &mut untrue["paths"]["/auth/login/{provider}"]["get"]["responses"]["303"];
    redirect["headers"] = json!({ "X-Location": { "required": true, "schema": { "type": "string" } } });
    untrue["paths"]["/auth/resolve"]["get"]["parameters"][0]["required"] = json!(true);
    untrue["paths"]["/auth/public-key"]["get"]["responses"]["200"]["content"] = json!({ "text/html": {} });
    let (output, report) = Run::of(&untrue).go(&world, &["--phases", "examples,coverage"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for (check, paths) in [
        ("response_schema_conformance", &["/healthz", "/readyz"][..]),
        ("response_headers_conformance", &["/auth/login/{provider}"]),
        ("content_type_conformance", &["/auth/public-key"]),
        ("negative_data_rejection", &["/auth/resolve"]),
    ] {
        assert!(report.failed[check].iter().eq(paths), "{check}: {:?}", report.failed[check]);
    }
}
