//! A browser with a window: headless Chromium, driven by chromedriver over the W3C's protocol for that.

use std::fmt::Debug;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use rustix::process::{Pid, Signal, geteuid, kill_process_group, test_kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use vestibule_test_support::eventually;

/// A Chromium with a profile of its own: one person's browser. It ends with the value.
pub(super) struct Browser {
    http: reqwest::Client,
    session: String,
    driver: Child,
    /// Held open: the driver may write to it at any time.
    _output: BufReader<ChildStdout>,
    profile: TempDir,
}

/// The window as it is seen.
pub(super) struct Screenshot(pub(super) Vec<u8>);

/// A refusal of the driver: `no such element`, `javascript error` and the like.
#[derive(Debug)]
struct Refusal(#[expect(dead_code, reason = "read by the test's panic message")] Value);

impl Browser {
    /// Starts a browser that can reach this computer and nothing else.
    pub(super) async fn open() -> Self {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let (driver, output, port) = start_driver();
        let http =
            reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client can be built");
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { http, session, driver, _output: output, profile };
        let capabilities = capabilities(browser.profile.path().to_str().expect("a path in UTF-8"));
        let opened = browser.command(Method::POST, "", &capabilities).await;
        let id = opened.expect("Chromium starts")["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    /// Goes to an address and waits until the page is loaded.
    pub(super) async fn go_to(&self, address: &str) {
        self.must(Method::POST, "/url", &json!({"url": address})).await;
    }

    /// What the address bar shows.
    pub(super) async fn address(&self) -> Url {
        let address = self.must(Method::GET, "/url", &Value::Null).await;
        Url::parse(address.as_str().expect("an address")).expect("an address")
    }

    /// Clicks an element once it is shown; the driver refuses when something else covers it.
    pub(super) async fn click(&self, selector: &str) {
        self.shown(selector).await;
        let element = self.element(selector).await;
        self.must(Method::POST, &format!("{element}/click"), &json!({})).await;
    }

    /// Types into a field that is shown, in place of what is there.
    pub(super) async fn type_into(&self, selector: &str, text: &str) {
        self.shown(selector).await;
        let element = self.element(selector).await;
        self.must(Method::POST, &format!("{element}/clear"), &json!({})).await;
        self.must(Method::POST, &format!("{element}/value"), &json!({"text": text})).await;
    }

    /// The text of an element, once it is shown.
    pub(super) async fn shown(&self, selector: &str) -> String {
        self.shown_when(selector, |_| true).await
    }

    /// The text of an element, once it is shown and the text is as expected.
    pub(super) async fn shown_when(&self, selector: &str, expected: impl Fn(&str) -> bool) -> String {
        let mut text = None;
        eventually(&format!("{selector} is shown"), async || {
            text = self.text_if_shown(selector).await.filter(|text| expected(text));
            text.is_some()
        })
        .await;
        text.unwrap_or_default()
    }

    /// Whether an element is shown at this moment.
    pub(super) async fn shows(&self, selector: &str) -> bool {
        self.text_if_shown(selector).await.is_some()
    }

    /// Runs a function body in the page.
    pub(super) async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.must(Method::POST, "/execute/sync", &json!({"script": script, "args": arguments})).await
    }

    /// The cookies that the browser would send to the page's address, with their attributes.
    pub(super) async fn cookies(&self) -> Vec<Value> {
        let cookies = self.must(Method::GET, "/cookie", &Value::Null).await;
        cookies.as_array().expect("a list").clone()
    }

    /// Opens one more tab and turns to it; the handle is for [`Browser::turn_to`].
    pub(super) async fn open_tab(&self) -> String {
        let opened = self.must(Method::POST, "/window/new", &json!({"type": "tab"})).await;
        let tab = opened["handle"].as_str().expect("a handle").to_owned();
        self.turn_to(&tab).await;
        tab
    }

    /// Turns to another tab.
    pub(super) async fn turn_to(&self, tab: &str) {
        self.must(Method::POST, "/window", &json!({"handle": tab})).await;
    }

    /// Gives the page this many pixels.
    pub(super) async fn resize(&self, (width, height): (u32, u32)) {
        let frame = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]", &[]).await;
        let [across, down] = [0, 1].map(|axis| frame[axis].as_u64().expect("a size"));
        let rect = json!({"width": u64::from(width) + across, "height": u64::from(height) + down});
        self.must(Method::POST, "/window/rect", &rect).await;
    }

    /// A picture of the window.
    pub(super) async fn screenshot(&self) -> Screenshot {
        let picture = self.must(Method::GET, "/screenshot", &Value::Null).await;
        Screenshot(BASE64_STANDARD.decode(picture.as_str().expect("a picture")).expect("base64"))
    }

    /// What the browser has written to its console since this was last asked: errors, policy violations, warnings.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let log = self.must(Method::POST, "/se/log", &json!({"type": "browser"})).await;
        let entries = log.as_array().expect("a list").iter();
        entries.map(|entry| entry["message"].as_str().expect("a text").to_owned()).collect()
    }

    async fn text_if_shown(&self, selector: &str) -> Option<String> {
        const SCRIPT: &str = "const found = document.querySelector(arguments[0]);
            return found?.checkVisibility() ? found.innerText.trim() : null;";
        let body = json!({"script": SCRIPT, "args": [selector]});
        // While one page follows another there may be none to ask.
        self.command(Method::POST, "/execute/sync", &body).await.ok()?.as_str().map(str::to_owned)
    }

    async fn element(&self, selector: &str) -> String {
        let body = json!({"using": "css selector", "value": selector});
        let found = self.must(Method::POST, "/element", &body).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        format!("/element/{}", id.expect("a reference to an element"))
    }

    async fn must(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.command(method, path, body).await;
        answer.unwrap_or_else(|refusal| panic!("{path} {body}: {refusal:?}"))
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Result<Value, Refusal> {
        let request = self.http.request(method, format!("{}{path}", self.session));
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.expect("the driver answers");
        let good = answer.status().is_success();
        let mut answer: Value = answer.json().await.expect("the driver speaks JSON");
        let value = answer["value"].take();
        if good { Ok(value) } else { Err(Refusal(value)) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver leads a group of its own, which Chromium and all its helpers are in.
        let group = Pid::from_child(&self.driver);
        kill_process_group(group, Signal::KILL).ok();
        self.driver.wait().ok();
        // The profile can be removed when nobody writes to it any more.
        for _ in 0..200 {
            if test_kill_process_group(group).is_err() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Screenshot {
    /// Width and height, as the header of a PNG file says them (PNG section 11.2.1).
    pub(super) fn size(&self) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes(self.0[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(&self.0[..16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a PNG file");
        (number(16), number(20))
    }
}

/// The driver chooses its port and says which.
fn start_driver() -> (Child, BufReader<ChildStdout>, u16) {
    let mut command = Command::new("chromedriver");
    command
        .arg("--port=0")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut driver = command.spawn().expect("chromedriver is installed: run `make test-needs`");
    let mut output = BufReader::new(driver.stdout.take().expect("a pipe"));
    let port = loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).expect("text"), 0, "chromedriver ended");
        let port =
            line.trim_end().strip_suffix('.').and_then(|line| line.split_once("successfully on port "));
        if let Some((_, port)) = port {
            break port.parse().expect("a port");
        }
    };
    (driver, output, port)
}

fn capabilities(profile: &str) -> Value {
    let mut arguments = vec![
        "--headless=new",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ];
    // Chromium's sandbox does not work as root.
    if geteuid().is_root() {
        arguments.push("--no-sandbox");
    }
    let profile = format!("--user-data-dir={profile}");
    arguments.push(&profile);
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}
