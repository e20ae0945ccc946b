//! Permission providers and extensions in Python: the samples of dgp-oauth2 as they are, and workers that end with the
//! service.

mod archive;
mod guide;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_test_support::{Program, TestDatabase, eventually};

use crate::authorize::{assert_unavailable, authorize, granted};
use crate::verifiers::interpreters::run_well;
use crate::world::{World, WorldBuilder};

/// The interpreter behind `python3`, which may be a script that needs more of the environment than the service has here.
fn interpreter() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut command = Command::new("python3");
        command.args(["-c", "import sys; print(sys.executable)"]);
        run_well(command).trim().to_owned()
    })
}

/// The table of an instance that runs this module of this folder.
fn table(alias: &str, module: &str, folder: &Path) -> String {
    format!(
        "[plugin.{alias}]\nconfig = {{ module = {module:?}, path = [\"{}\"], python = {:?}, \
         env = {{ PYTHONDONTWRITEBYTECODE = \"1\" }} }}\n",
        folder.display(),
        interpreter()
    )
}

/// A folder with a module of this source.
fn folder_with(module: &str, source: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{module}.py")), source).unwrap();
    folder
}

/// The usual stage, with one service that this module decides about.
fn world_with(folder: &TempDir) -> WorldBuilder {
    World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "billing:python;storage:sample-permissions")
        .config(&table("billing", "access", folder.path()))
}

/// The lines of the log that come from plugins: alias, level, text, details.
fn said(world: &World) -> Vec<(String, String, String, String)> {
    let logs = world.program.logs();
    let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let said = lines.filter(|line| line["target"] == "plugin");
    said.map(|line| {
        (text(&line, "plugin"), text(&line, "level"), text(&line, "message"), text(&line, "details"))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_of_dgp_oauth2_run_unmodified() {
    let samples = archive::samples();
    let provider = |alias| table(alias, "sample_permission_provider", &samples);
    let world = World::builder(TestDatabase::sqlite())
        .setting("ALLOWED_SERVICES", "example:python;example2:python;storage:sample-permissions")
        .setting("INSTALLED_EXTENSIONS", "greeter:python;sample-extension")
        .setting("LOG_FORMAT", "json")
        .config(&provider("example"))
        .config(&provider("example2"))
        .config(&table("greeter", "sample_extension", &samples))
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let id = world.profile(&token).await["id"].as_str().unwrap().to_owned();
    for service in ["example", "example2", "storage"] {
        let answer = granted(&world, &token, service).await;
        assert_eq!(answer["permissions"], json!({"provider-token": format!("{service}-{id}")}));
        assert_eq!(answer["userid"], id.as_str());
    }
    world.post_as(&token, "/auth/logout", &[]).await;

    // The sample changes the id at each event. There that made the token one of another user; here it is told.
    assert!(!["new-user", "user-login", "user-logout"].contains(&&*id), "{id}");
    let refused = "the module changed what an extension may not change";
    let refusals: Vec<_> = said(&world).into_iter().filter(|line| line.2 == refused).collect();
    let expected = ["on_new_user", "on_user_login", "on_user_logout"].map(|function| {
        let details = json!({"function": function, "keys": ["id"]}).to_string();
        ("greeter".to_owned(), "WARN".to_owned(), refused.to_owned(), details)
    });
    assert_eq!(refusals, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_module_changes_and_prints_reaches_the_user_and_the_log() {
    let source = "import sys
def on_new_user(user_info):
    user_info['attributes']['welcomed'] = user_info['new'] and user_info['join_date'].year > 2020
def on_user_login(user_info):
    user_info['name'] = user_info['name'].upper()
    print('hello', user_info['id'])
    sys.stderr.write('odd\\n')
";
    let folder = folder_with("welcome", source);
    let world = World::builder(TestDatabase::sqlite())
        .setting("INSTALLED_EXTENSIONS", "welcome:python")
        .setting("LOG_FORMAT", "json")
        .config(&table("welcome", "welcome", folder.path()))
        .start()
        .await;
    let token = world.sign_in("google", "ada").await;
    let profile = world.profile(&token).await;
    let name = profile["name"].as_str().unwrap();
    assert!(!name.is_empty() && name == name.to_uppercase(), "{profile}");
    let hello = format!("hello {}", profile["id"].as_str().unwrap());
    for (level, text) in [("INFO", hello.as_str()), ("WARN", "odd")] {
        eventually(text, async || {
            said(&world).iter().any(|line| line.0 == "welcome" && line.1 == level && line.2 == text)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_whatever_a_module_does_instead_of_answering_there_is_no_token() {
    let source = "import ctypes, os
def get_permissions(service, userid):
    trouble = open(os.path.join(os.path.dirname(__file__), 'trouble')).read()
    if trouble == 'raise': raise ValueError('hunter2')
    if trouble == 'hang':
        while True: pass
    if trouble == 'crash': ctypes.string_at(0)
    if trouble == 'none': return None
    if trouble == 'list': return ['read']
    if trouble == 'pass': raise TimeoutError('the directory is away')
    return {'read': True}
";
    let folder = folder_with("access", source);
    let set = |trouble: &str| fs::write(folder.path().join("trouble"), trouble).unwrap();
    let world = world_with(&folder).start().await;
    let token = world.sign_in("google", "ada").await;
    for (trouble, retry_after, reason) in [
        ("raise", "30", "get_permissions raised ValueError"),
        ("hang", "2", "get_permissions did not answer in time"),
        ("crash", "30", "the worker ended in get_permissions: signal: 11"),
        ("none", "30", "no_opinion"),
        ("list", "30", "of type list, not dict"),
        ("pass", "2", "get_permissions raised TimeoutError"),
    ] {
        set(trouble);
        let answer = authorize(&world, &token, "billing").await;
        assert_unavailable(&answer, retry_after, trouble);
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
        let logs = world.program.logs();
        assert!(logs.contains(reason), "{trouble}: {logs}");
        granted(&world, &token, "storage").await;
        set("");
        let works = async || authorize(&world, &token, "billing").await.status == 200;
        eventually("it works again", works).await;
    }
    assert!(world.program.logs().contains("access.py:4 in get_permissions"), "the operator learns the place");
}

/// While the module spins, and while it does not even let other threads of its interpreter run.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_ends_with_the_service_whatever_it_is_doing() {
    let source = "import ctypes, os
def get_permissions(service, userid):
    with open(os.path.join(os.path.dirname(__file__), 'pid'), 'w') as file: file.write(str(os.getpid()))
    if os.environ['TROUBLE'] == 'hold': ctypes.PyDLL(None).sleep(1000)
    while True: pass
";
    // Where the kernel sends no signal, a thread has to watch: nothing helps against a lock that is never let go.
    let without_signal = "import fcntl\ndel fcntl.F_SETSIG\n";
    for (trouble, customization) in [("spin", ""), ("hold", ""), ("spin", without_signal)] {
        let folder = folder_with("access", source);
        fs::write(folder.path().join("sitecustomize.py"), customization).unwrap();
        let environment = format!("env = {{ TROUBLE = {trouble:?}, PYTHONPATH = {:?}, ", folder.path());
        let table = table("billing", "access", folder.path()).replace("env = { ", &environment);
        let mut world = World::builder(TestDatabase::sqlite())
            .setting("ALLOWED_SERVICES", "billing:python")
            .config(&format!("{table}timeout = \"10m\"\n"))
            .start()
            .await;
        let token = world.sign_in("google", "ada").await;
        let address = format!("{}/auth/authorize?service=billing&jwt={token}", world.program.base_url());
        let browser = world.browser();
        let request = tokio::spawn(async move {
            browser.try_send(browser.request(reqwest::Method::GET, &address)).await.is_ok()
        });
        let pid = || fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
        eventually("the module runs", async || !pid().is_empty()).await;
        let pid = pid();
        assert!(runs(&pid), "{trouble}");
        world.program.kill().await;
        eventually("the end of the worker", async || !runs(&pid)).await;
        assert!(!request.await.unwrap(), "{trouble}: nobody answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_workers_end_when_the_service_is_stopped() {
    let source = "import os
def get_permissions(service, userid): return {'pid': os.getpid()}
";
    let folder = folder_with("access", source);
    let mut world = world_with(&folder).start().await;
    let token = world.sign_in("google", "ada").await;
    let pid = granted(&world, &token, "billing").await["permissions"]["pid"].to_string();
    assert!(runs(&pid));
    assert!(world.program.stop().await.success());
    eventually("the end of the worker", async || !runs(&pid)).await;
}

/// Whether there is such a process and it has not ended.
fn runs(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_does_not_import_stops_the_start() {
    let folder = folder_with("access", "import nowhere\n");
    let program = Program::builder()
        .argument("--dev")
        .setting("ALLOWED_SERVICES", "billing:python")
        .config(&table("billing", "access", folder.path()));
    let ended = program.try_start().await.expect_err("it does not start");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.logs);
    for part in ["billing", "ModuleNotFoundError: No module named 'nowhere'", "access.py:1 in <module>"] {
        assert!(ended.logs.contains(part), "{part}: {}", ended.logs);
    }
    assert!(!ended.logs.contains("PYTHONDONTWRITEBYTECODE"), "{}", ended.logs);
}
