//! What a plugin writes through `log` and `tracing` arrives in the log of the right instance, through the table.
#![cfg(test)]

use std::sync::LazyLock;
use std::thread;

use vestibule_plugin_sdk::abi::{code, level};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{
    CallCtx, Level, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result, Value, export_plugin,
    json,
};

/// Writes as the name of the service says.
struct Writer {
    log: Logger,
}

impl Plugin for Writer {
    type Config = Map<String, Value>;

    fn create(alias: &str, _config: Self::Config, log: Logger) -> Result<Self> {
        log::info!("made as {alias}");
        Ok(Self { log })
    }
}

impl PermissionProvider for Writer {
    fn get_permissions(
        &self,
        _call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        match request.service() {
            "log" => write_by_log(),
            "tracing" => write_by_tracing(),
            "thread" => thread::spawn(|| log::warn!("from a thread of nobody")).join().unwrap(),
            "taken" => write_by_taken_thread(self.log),
            "panic" => panic_on_taken_thread(self.log),
            "trace" => self.log.trace("everything"),
            _ => {}
        }
        Ok(Map::from_iter([
            ("log".to_owned(), log::log_enabled!(log::Level::Debug).into()),
            ("tracing".to_owned(), tracing::enabled!(tracing::Level::DEBUG).into()),
            ("span".to_owned(), (!tracing::info_span!("work").is_disabled()).into()),
        ]))
    }
}

fn write_by_log() {
    log::error!("one");
    log::warn!("two");
    log::info!(target: "elsewhere", "three");
    log::debug!("four {}", 4);
    log::trace!("five");
}

fn write_by_tracing() {
    let error = std::io::Error::other("broken");
    tracing::error!(error = &error as &dyn std::error::Error, "one");
    tracing::warn!(count = 2, ratio = 0.5, minus = -1, yes = true, "two {}", 2);
    tracing::info!(target: "elsewhere", name = "ada", shown = %"x", kept = ?Some(1), "three");
    tracing::debug!(target = "the author's own", "four");
    tracing::trace!(huge = u128::MAX);
}

fn write_by_taken_thread(log: Logger) {
    let write = move || {
        log.take_thread();
        log::warn!("from my thread");
        tracing::warn!("and again");
    };
    thread::spawn(write).join().unwrap();
}

fn panic_on_taken_thread(log: Logger) {
    let outcome = thread::spawn(move || {
        log.take_thread();
        panic!("a thread of mine");
    });
    assert!(outcome.join().is_err());
}

export_plugin!(Writer: permissions);

/// The first instance of the process. Each test makes it before its own.
static FIRST: LazyLock<Harness<Writer>> = LazyLock::new(|| Harness::named("first", &json!({})).unwrap());

fn second() -> Harness<Writer> {
    assert!(!FIRST.log().is_empty());
    let second = Harness::named("second", &json!({})).unwrap();
    assert_eq!(lines(&second), [(level::INFO, "made as second".to_owned(), json!({"target": "forwarding"}))]);
    second
}

fn lines(plugin: &Harness<Writer>) -> Vec<(i32, String, Value)> {
    let parse = |fields: String| fields.parse().unwrap_or(Value::Null);
    plugin.log().into_iter().map(|(level, message, fields)| (level, message, parse(fields))).collect()
}

/// What an instance has logged since it was made, after one call.
fn written(plugin: &Harness<Writer>, service: &str) -> Vec<(i32, String, Value)> {
    assert_eq!(plugin.get_permissions(service, "ada").unwrap().code, code::OK);
    lines(plugin).split_off(1)
}

#[test]
fn lines_of_log_arrive_with_level_and_target() {
    let (here, there) = (json!({"target": "forwarding"}), json!({"target": "elsewhere"}));
    let expected = [
        (level::ERROR, "one", &here),
        (level::WARN, "two", &here),
        (level::INFO, "three", &there),
        (level::DEBUG, "four 4", &here),
        (level::TRACE, "five", &here),
    ];
    let expected = expected.map(|(level, message, fields)| (level, message.to_owned(), fields.clone()));
    assert_eq!(written(&second(), "log"), expected);
}

#[test]
fn events_of_tracing_arrive_with_their_fields() {
    let expected = [
        (level::ERROR, "one", json!({"target": "forwarding", "error": "broken"})),
        (
            level::WARN,
            "two 2",
            json!({"target": "forwarding", "count": 2, "ratio": 0.5, "minus": -1, "yes": true}),
        ),
        (
            level::INFO,
            "three",
            json!({"target": "elsewhere", "name": "ada", "shown": "x", "kept": "Some(1)"}),
        ),
        (level::DEBUG, "four", json!({"target": "the author's own"})),
        (level::TRACE, "", json!({"target": "forwarding", "huge": u128::MAX.to_string()})),
    ];
    let expected = expected.map(|(level, message, fields)| (level, message.to_owned(), fields));
    assert_eq!(written(&second(), "tracing"), expected);
}

#[test]
fn the_host_decides_what_is_enabled_and_may_change_its_mind() {
    let plugin = second();
    let enabled = || plugin.get_permissions("", "ada").unwrap().reply.unwrap();
    assert_eq!(enabled(), json!({"log": true, "tracing": true, "span": false}));
    plugin.set_log_level(Level::Info);
    assert_eq!(enabled(), json!({"log": false, "tracing": false, "span": false}));
    let levels: Vec<_> = written(&plugin, "log").into_iter().map(|line| line.0).collect();
    assert_eq!(levels, [level::ERROR, level::WARN, level::INFO]);
    plugin.set_log_level(Level::Debug);
    assert_eq!(enabled(), json!({"log": true, "tracing": true, "span": false}));
}

#[test]
fn each_of_two_instances_has_its_own_lines_even_at_once() {
    let (one, other) = (second(), second());
    thread::scope(|scope| {
        scope.spawn(|| (0..100).for_each(|_| drop(one.get_permissions("log", "ada"))));
        scope.spawn(|| (0..100).for_each(|_| drop(other.get_permissions("tracing", "ada"))));
    });
    assert_eq!((one.log().len(), other.log().len()), (501, 501));
    let of_tracing = |plugin| lines(plugin).iter().filter(|line| line.2["huge"].is_string()).count();
    assert_eq!((of_tracing(&one), of_tracing(&other)), (0, 100));
}

#[test]
fn a_line_of_a_thread_that_nobody_has_taken_goes_to_the_first_instance() {
    let plugin = second();
    let stray = || FIRST.log().iter().filter(|line| line.1 == "from a thread of nobody").count();
    let before = stray();
    assert_eq!(written(&plugin, "thread"), []);
    assert_eq!(stray(), before + 1);
}

#[test]
fn a_thread_that_an_instance_has_taken_writes_to_its_log() {
    let target = json!({"target": "forwarding"});
    let expected = [
        (level::WARN, "from my thread".to_owned(), target.clone()),
        (level::WARN, "and again".to_owned(), target),
    ];
    assert_eq!(written(&second(), "taken"), expected);
    let place = written(&second(), "panic").remove(0);
    assert!(
        place.1.starts_with("the plugin panicked at ") && place.1.ends_with("a thread of mine"),
        "{place:?}"
    );
}

#[test]
fn a_logger_writes_at_every_level() {
    assert_eq!(written(&second(), "trace"), [(level::TRACE, "everything".to_owned(), Value::Null)]);
}
