//! What must stay secret stays out of logs, errors, metrics, command lines and reports, whatever goes wrong.

mod canaries;
mod database_log;
mod every_flow;
mod injection;
mod outages;
mod start;
mod words;

use vestibule_test_support::{TestDatabase, eventually};

use crate::observability::collector::Collector;
use crate::world::{World, WorldBuilder, on_both_databases};
use canaries::{Canaries, assert_no_unknown_secret};

/// As loud as the log can be made, for us and for every library by name.
const LOUDEST: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,reqwest=trace,rustls=trace,poem=trace,diesel=trace,\
                       tokio_postgres=trace,deadpool=trace,hyper_util::client::legacy=trace,log=trace";

/// The password of a database whose server asks for none.
const DATABASE_PASSWORD: &str = "k4n4ry-of-the-database";

/// What a plugin is configured with, out of the environment.
const PLUGIN_SECRET: &str = "k4n4ry-of-the-plugin";
/// What the collector of traces wants to hear.
const COLLECTOR_SECRET: &str = "k4n4ry-of-the-collector";

fn loudest(database: TestDatabase, format: &str) -> WorldBuilder {
    let url = database.url().replace("postgres@", &format!("postgres:{DATABASE_PASSWORD}@"));
    World::builder(database)
        .setting("DATABASE_URL", &url)
        .setting("LOG", LOUDEST)
        .setting("LOG_FORMAT", format)
        .setting("PLUGIN_SECRET", PLUGIN_SECRET)
        .config(
            "[plugin.storage]\nconfig = { permission = { \"$env\" = \"PLUGIN_SECRET\" }, granted = true }",
        )
        .with_metrics()
}

/// The same, with traces that go to this collector.
fn traced(builder: WorldBuilder, collector: &Collector) -> WorldBuilder {
    builder
        .setting("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .setting("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer {COLLECTOR_SECRET}"))
}

/// Runs every flow and looks everywhere.
async fn search_everywhere(database: TestDatabase, format: &str) {
    let collector = Collector::start();
    let mut world = traced(loudest(database, format), &collector).start().await;
    let mut canaries = Canaries::of_settings(&world);
    canaries.add("the database's password", DATABASE_PASSWORD);
    canaries.add("a plugin's configuration", PLUGIN_SECRET);
    let bodies = every_flow::run(&world, &mut canaries).await;
    search_traces(&collector, &canaries).await;
    canaries.add("what the collector wants to hear", COLLECTOR_SECRET);

    let logs = world.program.logs();
    assert!(logs.contains("a user token was refused"), "the log is loud:\n{logs}");
    canaries.assert_absent("the log", &logs);
    let keys = world.browser().get("/.well-known/jwks.json").await.json();
    let key_ids: Vec<_> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string().replace('"', "")).collect();
    assert_no_unknown_secret("the log", &logs, &key_ids);
    canaries.assert_absent("the errors", &bodies);
    let metrics = world.admin().get("/metrics").await.body;
    assert!(metrics.contains("finish_sign_in"), "{metrics}");
    canaries.assert_absent("the metrics", &metrics);
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", world.program.pid())).unwrap();
    assert!(command_line.contains("serve"), "{command_line}");
    canaries.assert_absent("the command line", &command_line);
    for command in [
        &["config", "check"][..],
        &["keys", "list"],
        &["migrate"],
        &["audit", "list"],
        &["audit", "list", "--json"],
        &["--help"],
    ] {
        let output = world.program.run(command).await;
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!text.is_empty());
        assert_eq!(command[0] == "audit", text.contains("sign_in.succeeded"), "{command:?}: {text}");
        canaries.assert_absent(&command.join(" "), &text);
    }
    world.program.stop().await;
    canaries.assert_absent("the log at its end", &world.program.logs());
}

/// All that was exported, as it went over the wire.
async fn search_traces(collector: &Collector, canaries: &Canaries) {
    let seen = async |name: &str| collector.received().contains(name);
    for name in ["finish_sign_in", "upstream_request", "plugin_call", "database", "end_session"] {
        eventually(&format!("{name} is exported"), async || seen(name).await).await;
    }
    canaries.assert_absent("the traces", &collector.received());
}

on_both_databases! {
    /// As people read it.
    async fn n1_no_secret_and_no_address_is_in_the_text_log_or_anywhere_else(database) {
        search_everywhere(database, "text").await;
    }

    /// As collectors read it.
    async fn n1_no_secret_and_no_address_is_in_the_json_log_or_anywhere_else(database) {
        search_everywhere(database, "json").await;
    }
}
