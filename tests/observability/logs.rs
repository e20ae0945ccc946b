//! Every line tells which request it was written for.

use serde_json::Value;
use vestibule_test_support::{Client, Method, TestDatabase};

use super::collector::Collector;
use super::traffic;
use crate::world::{APP, World};

/// The lines of the log that are objects.
fn lines(world: &World) -> Vec<Value> {
    let logs = world.program.logs();
    logs.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn of_request<'a>(lines: &'a [Value], id: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["request_id"] == id).collect()
}

fn has(lines: &[&Value], target: &str) -> bool {
    lines.iter().any(|line| line["target"].as_str().is_some_and(|found| found.starts_with(target)))
}

/// Whether traces are exported or not: a span for one reader must not hide another's.
#[tokio::test(flavor = "multi_thread")]
async fn what_flows_plugins_and_the_edge_log_for_one_request_has_one_id() {
    let collector = Collector::start();
    let plain = traffic::stage(TestDatabase::sqlite());
    let traced = traffic::stage(TestDatabase::sqlite());
    let traced = traced.setting("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    for settings in [plain, traced] {
        assert_one_id(&settings.start().await).await;
    }
}

async fn assert_one_id(world: &World) {
    let browser = world.browser();
    let callback = world.reach_callback(&browser, "google", "ada", APP).await;
    let answer = browser.get(callback.as_str()).await;
    let lines = lines(world);
    let of_callback = of_request(&lines, answer.header("x-request-id").unwrap());
    for target in ["vestibule::access", "vestibule::audit", "plugin"] {
        assert!(has(&of_callback, target), "{target}: {of_callback:#?}");
    }
    for line in &of_callback {
        assert_eq!(line["operation"], "finish_sign_in", "{line}");
    }
    let hook = of_callback.iter().find(|line| line["target"] == "plugin").unwrap();
    assert_eq!(hook["plugin_call"]["operation"], "on_new_user", "{hook}");
}

/// While requests run side by side, none takes the other's name.
#[tokio::test(flavor = "multi_thread")]
async fn every_line_below_the_edge_has_the_id_of_a_request_that_was_answered() {
    let world = traffic::stage(TestDatabase::sqlite()).start().await;
    let people = ["ada", "no-name", "ada", "no-name"];
    let [one, two, three, four] = people.map(async |person| world.sign_in("google", person).await);
    tokio::join!(one, two, three, four);
    traffic::run(&world).await;
    let lines = lines(&world);
    let answered: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "vestibule::access")
        .map(|line| &line["request_id"])
        .collect();
    let served =
        lines.iter().filter(|line| line["operation"].is_string() && line["target"] != "vestibule::access");
    let mut count = 0;
    for line in served {
        count += 1;
        assert!(answered.contains(&&line["request_id"]), "{line}");
    }
    assert!(count > 20, "{count}");
    let flows = |line: &&Value| line["target"].as_str().unwrap().starts_with("vestibule_flows");
    assert!(lines.iter().filter(flows).all(|line| line["request_id"].is_string()));
    let created: Vec<_> = lines.iter().filter(|line| line["event"] == "user.created").collect();
    assert_eq!(created.len(), 2, "{created:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_says_of_which_request_it_is_however_little_is_logged() {
    for filter in ["warn", "vestibule_http=info"] {
        let world = traffic::stage(TestDatabase::sqlite()).setting("LOG", filter).start().await;
        let answer = world.browser().get("/auth/check?next=https://evil.example").await;
        let id = answer.header("x-request-id").unwrap();
        world.fail_to_sign_in("google", "refuses").await;
        let lines = lines(&world);
        for line in &lines {
            assert!(
                line["request_id"].is_string() || line["target"] != "vestibule_http::middleware",
                "{line}"
            );
        }
        let refused = of_request(&lines, id);
        assert_eq!(
            has(&refused, "vestibule_http::middleware"),
            filter.contains("http"),
            "{filter}: {lines:#?}"
        );
    }
}

async fn id_of(browser: &Client, given: &str) -> String {
    let request = browser.request(Method::GET, "/auth/check").header("x-request-id", given);
    browser.send(request).await.header("x-request-id").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_a_request_is_called_as_a_trusted_proxy_calls_it_and_as_nobody_else_does() {
    let given = "01JD9Z3K7Q8W-proxy";
    let alone = World::on(TestDatabase::sqlite()).await;
    assert_ne!(id_of(&alone.browser(), given).await, given);
    let behind =
        traffic::stage(TestDatabase::sqlite()).setting("TRUSTED_PROXIES", "127.0.0.0/8").start().await;
    assert_eq!(id_of(&behind.browser(), given).await, given);
    assert!(has(&of_request(&lines(&behind), given), "vestibule::access"));
    for odd in ["short", &"x".repeat(65), "with space", "quote\"quote", "new%0aline{}"] {
        let id = id_of(&behind.browser(), odd).await;
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{odd} became {id}");
    }
}
