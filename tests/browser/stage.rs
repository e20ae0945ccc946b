//! What the tests in a browser have in common: who stands where, and how they get there.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use url::Url;
use vestibule_test_support::{Program, eventually};

use super::webdriver::Browser;

/// The program as `make run` starts it.
pub(super) async fn development_program() -> Program {
    Program::builder().argument("--dev").start().await
}

/// The selector of an element that the page names for tests.
pub(super) fn id(name: &str) -> String {
    format!("[data-testid='{name}']")
}

/// From the page's buttons to a persona of the provider, and back to whatever then comes.
pub(super) async fn begin_sign_in(browser: &Browser, provider: &str, persona: &str) {
    let home = browser.address().await.origin();
    browser.click(&id(&format!("sign-in-{provider}"))).await;
    browser.click(&format!("a[href$='persona={persona}']")).await;
    eventually("the provider sends the browser back", async || browser.address().await.origin() == home)
        .await;
}

/// A sign-in that ends with the profile.
pub(super) async fn sign_in(browser: &Browser, provider: &str, persona: &str) {
    begin_sign_in(browser, provider, persona).await;
    browser.shown(&id("profile")).await;
}

/// The user token that the tab keeps.
pub(super) async fn kept_token(browser: &Browser) -> Option<String> {
    let token = browser.run("return sessionStorage.getItem('vestibule.token')", &[]).await;
    token.as_str().map(str::to_owned)
}

/// The names of the parameters in an address.
pub(super) fn parameters(address: &Url) -> Vec<String> {
    address.query_pairs().map(|(name, _)| name.into_owned()).collect()
}

/// Neither an error nor a violated policy is on the console.
pub(super) async fn expect_no_complaints(browser: &Browser) {
    let complaints = complaints_of_note(browser).await;
    assert!(complaints.is_empty(), "{complaints:?}");
}

/// Everything that is on the console has these words in it.
pub(super) async fn expect_complaints_only_about(browser: &Browser, words: &str) {
    let complaints = complaints_of_note(browser).await;
    assert!(complaints.iter().all(|text| text.contains(words)), "{complaints:?}");
}

/// The pictures of the invented people are at hosts that do not exist; that Chromium says so is no news.
async fn complaints_of_note(browser: &Browser) -> Vec<String> {
    let picture = |text: &str| text.contains(".example.com/") && text.ends_with("net::ERR_NAME_NOT_RESOLVED");
    let complaints = browser.complaints().await;
    complaints.into_iter().filter(|text| !picture(text)).collect()
}

/// Somebody else's site, which has one page; its address.
pub(super) async fn serve_page(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{html}", html.len());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            // A browser also opens connections that it may need later.
            tokio::spawn(async move {
                let mut lines = BufReader::new(stream);
                let mut line = String::new();
                while lines.read_line(&mut line).await.is_ok_and(|length| length > 2) {
                    line.clear();
                }
                lines.write_all(answer.as_bytes()).await.ok();
            });
        }
    });
    format!("http://{address}/")
}

const GOOD: [&str; 2] = ["https://app.example.com/welcome?a=1#b", "http://localhost:3000/"];

const INSERTED: [&str; 44] = [
    "@",
    "a@",
    "@evil.tld",
    "@evil.tld/",
    "evil.tld@",
    ":@",
    ":80",
    ":443",
    ":0443",
    ":@evil.tld:",
    "\\",
    "\\@",
    "/",
    "//",
    "/\\",
    "\t",
    "\n",
    "\r",
    "\0",
    " ",
    "%20",
    "%2f",
    "%2F%2Fevil.tld",
    "%5c",
    "%00",
    "%09",
    "%40",
    "#",
    "?",
    "#@evil.tld",
    "?@evil.tld",
    ";",
    ".",
    "..",
    "evil.",
    ".evil.tld",
    "xn--",
    "\u{ff0e}",
    "\u{3002}",
    "\u{ad}",
    "\u{200b}",
    "[",
    "]",
    "*",
];

const CLASSICS: [&str; 40] = [
    "",
    "/",
    "//evil.tld",
    "///evil.tld",
    "/\\evil.tld",
    "\\\\evil.tld",
    "https:evil.tld",
    "https:/evil.tld",
    "https:///evil.tld",
    "https:app.example.com",
    "https:/app.example.com/",
    "https:///app.example.com/",
    "https:\\\\app.example.com",
    "HTTPS://app.example.com/",
    "https://APP.EXAMPLE.COM/",
    "https://app.example.com",
    "https://app.example.com:443/",
    "https://app.example.com:/",
    "https://app.example.com./",
    "https://app.example.com.evil.tld/",
    "https://evilapp.example.com/",
    "https://appXexample.com/",
    "https://example.com/",
    "http://app.example.com/",
    "https://localhost:3000/",
    "http://localhost:03000/",
    "http://localhost/",
    "http://127.0.0.1:3000/",
    "http://0x7f.1:3000/",
    "http://2130706433:3000/",
    "http://[::1]:3000/",
    "http://[::ffff:127.0.0.1]:3000/",
    "http://localhost.evil.tld:3000/",
    "javascript:alert(1)//https://app.example.com/",
    "data:text/html,x",
    "blob:https://app.example.com/1",
    "file://app.example.com/",
    "ws://app.example.com/",
    "view-source:https://app.example.com/",
    "filesystem:https://app.example.com/x",
];

/// Good addresses with something put in at every place of the authority, and the classics.
pub(super) fn hostile_nexts() -> Vec<String> {
    let mut nexts: Vec<String> = CLASSICS.iter().chain(&GOOD).map(|text| (*text).to_owned()).collect();
    for good in GOOD {
        for place in 0..=good.len() {
            let (before, behind) = good.split_at(place);
            nexts.extend(INSERTED.iter().map(|inserted| format!("{before}{inserted}{behind}")));
            nexts.push(format!("{before}{}", behind.get(1..).unwrap_or_default()));
        }
    }
    // Absent, it means the service's own page.
    nexts.retain(|next| !next.is_empty());
    nexts
}
