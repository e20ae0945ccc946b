//! The runtime of a plugin, driven through the table.
#![cfg(test)]

use std::future;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vestibule_plugin_sdk::abi::{code, level};
use vestibule_plugin_sdk::testing::Harness;
use vestibule_plugin_sdk::{
    CallCtx, Error, Logger, Map, PermissionProvider, PermissionRequest, Plugin, Result, Runtime, Value,
    export_plugin, json,
};

/// Does as the name of the service says.
struct Remote {
    runtime: Runtime,
    ended: mpsc::Sender<()>,
    end: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl Plugin for Remote {
    type Config = Map<String, Value>;

    fn create(alias: &str, _config: Self::Config, log: Logger) -> Result<Self> {
        let (ended, end) = mpsc::channel();
        Ok(Self { runtime: Runtime::new(alias, log), ended, end: std::sync::Mutex::new(end) })
    }
}

impl PermissionProvider for Remote {
    fn get_permissions(
        &self,
        call: &CallCtx<'_>,
        request: &PermissionRequest<'_>,
    ) -> Result<Map<String, Value>> {
        let answer: Value = match request.service() {
            "echo" => self.runtime.block_on_within(call, echo())?.map_err(Error::retry)?.into(),
            "never" => self.runtime.block_on_within(call, future::pending())?,
            "dropped" => self.give_up(call).into(),
            "spawned" => self.name_of_the_worker()?.into(),
            "panic" => self.runtime.block_on(self.panic_on_the_worker()?)?.into(),
            other => return Err(Error::fatal(other)),
        };
        Ok(Map::from_iter([("answer".to_owned(), answer)]))
    }
}

impl Remote {
    /// Whether the future is dropped when its time is over.
    fn give_up(&self, call: &CallCtx<'_>) -> bool {
        struct Tell(mpsc::Sender<()>);
        impl Drop for Tell {
            fn drop(&mut self) {
                let _received = self.0.send(());
            }
        }
        let tell = Tell(self.ended.clone());
        let never = async move {
            let _tell = tell;
            future::pending::<()>().await;
        };
        let outcome = self.runtime.block_on_within(call, never);
        let dropped = self.end.lock().unwrap().try_recv().is_ok();
        dropped && matches!(outcome, Err(Error::Retry(_)))
    }

    fn name_of_the_worker(&self) -> Result<Option<String>> {
        let name = self.runtime.handle()?.spawn(async { thread::current().name().map(str::to_owned) });
        self.runtime.block_on(name)?.map_err(Error::fatal)
    }

    fn panic_on_the_worker(&self) -> Result<impl Future<Output = bool> + use<>> {
        let panics = self.runtime.handle()?.spawn(async { panic!("on the worker") });
        Ok(async { panics.await.is_err() })
    }
}

/// A request over a socket, with a timer beside it.
async fn echo() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut there = TcpStream::connect(listener.local_addr()?).await?;
    let (mut here, _) = listener.accept().await?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    there.write_all(b"hello").await?;
    drop(there);
    let mut text = String::new();
    here.read_to_string(&mut text).await?;
    Ok(text)
}

/// How many threads of this process have the name.
fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

/// A thread that has ended stays listed for a moment.
fn wait_for_threads(name: &str, count: usize) {
    let started = Instant::now();
    while threads_named(name) != count {
        assert!(started.elapsed() < Duration::from_secs(60), "{} threads", threads_named(name));
        thread::yield_now();
    }
}

export_plugin!(Remote: permissions);

fn made(alias: &str) -> Harness<Remote> {
    Harness::named(alias, &json!({})).unwrap()
}

fn answer(plugin: &Harness<Remote>, service: &str) -> Value {
    plugin.get_permissions(service, "ada").unwrap().reply.unwrap()["answer"].clone()
}

#[test]
fn asynchronous_code_with_sockets_and_timers_runs_in_an_operation() {
    assert_eq!(answer(&made("remote").with_timeout(Duration::from_secs(120)), "echo"), "hello");
}

#[test]
fn what_takes_longer_than_the_host_waits_is_given_up_as_an_error_that_may_pass() {
    let plugin = made("remote").with_timeout(Duration::from_millis(50));
    let late = plugin.get_permissions("never", "ada").unwrap();
    assert_eq!((late.code, late.reply), (code::RETRY, None));
    assert_eq!(late.error.as_deref(), Some("it would have taken longer than the service waits"));
    assert_eq!(answer(&plugin, "dropped"), true);
}

#[test]
fn nothing_is_begun_when_the_host_has_given_up() {
    let plugin = made("remote").with_timeout(Duration::ZERO);
    assert_eq!(plugin.get_permissions("echo", "ada").unwrap().code, code::RETRY);
}

#[test]
fn there_is_one_worker_with_the_name_and_only_after_the_first_use() {
    let plugin = made("lazy-remote").with_timeout(Duration::from_secs(120));
    assert_eq!(threads_named("lazy-remote"), 0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(answer(&plugin, "spawned"), "lazy-remote"));
        }
    });
    // Of several threads that build at once, one wins, and the others end what they have built.
    wait_for_threads("lazy-remote", 1);
    drop(plugin);
    wait_for_threads("lazy-remote", 0);
}

#[test]
fn a_panic_on_the_worker_is_logged_for_the_instance_and_costs_that_task_only() {
    let plugin = made("remote").with_timeout(Duration::from_secs(120));
    assert_eq!(answer(&plugin, "panic"), true);
    let log = plugin.log();
    assert!(log.iter().any(|line| line.0 == level::ERROR && line.1.ends_with("on the worker")), "{log:?}");
    assert_eq!(answer(&plugin, "echo"), "hello");
}
