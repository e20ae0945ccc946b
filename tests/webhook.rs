//! The plugin `webhook` and the receivers of its document: they understand each other, and refuse everybody else.

mod receiver;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use vestibule_test_support::{Answer, Client, TestDatabase};

use crate::authorize::plugins::built_plugins;
use crate::authorize::{authorize, granted};
use crate::world::{World, WorldBuilder};
use receiver::{Language, Receiver};

const SECRET: &str = "whsec_dmVzdGlidWxlIGFza3MsIGEgd2ViaG9vayBhbnN3ZXI=";
const OLD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A world whose service `storage` and whose extension `crm` ask this address.
fn with_webhook(url: &str, secrets: &[&str]) -> WorldBuilder {
    let config = format!("config = {{ url = {url:?}, secrets = {secrets:?} }}");
    World::builder(TestDatabase::sqlite())
        .setting("PLUGIN_PATH", built_plugins().to_str().unwrap())
        .setting("ALLOWED_SERVICES", "storage:webhook")
        .setting("INSTALLED_EXTENSIONS", "crm:webhook")
        .config(&format!("[plugin.storage]\n{config}\n[plugin.crm]\n{config}"))
}

async fn serve_as_provider_and_extension(language: Language) {
    let receiver = Receiver::start(language, &[SECRET]).await;
    let world = with_webhook(&receiver.url(), &[SECRET]).start().await;
    let token = world.sign_in("google", "ada").await;
    let answer = granted(&world, &token, "storage").await;
    assert_eq!(answer["permissions"], json!({"read": true, "write": true}));
    let user = answer["userid"].as_str().unwrap().to_owned();
    world.post_as(&token, "/auth/logout", &[]).await;
    let heard = ["user.created", "user.login", "permissions", "user.logout"];
    receiver.has_printed(&heard.map(|kind| format!("{kind} {user}"))).await;
    assert!(!world.program.logs().contains("hunter2"), "{}", world.program.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_in_python_is_provider_and_extension() {
    serve_as_provider_and_extension(Language::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_in_javascript_is_provider_and_extension() {
    serve_as_provider_and_extension(Language::JavaScript).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_is_answered_with_changes_the_user() {
    let receiver = Receiver::start(Language::Python, &[SECRET]).await;
    let world = with_webhook(&receiver.url(), &[SECRET])
        .setting("ALLOWED_SERVICES", "storage:webhook;echo:scripted")
        .setting("LOG_FORMAT", "json");
    let folder = crate::authorize::plugins::PluginFolder::with_scripted("echo");
    let world = world.setting("PLUGIN_PATH", &folder.path()).start().await;
    let token = world.sign_in("google", "ada").await;
    let user = granted(&world, &token, "echo").await["permissions"]["user"].clone();
    assert_eq!(user["attributes"], json!({"crm": {"known": true}}));
}

/// While a secret is being replaced the receiver may know either.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_without_a_failure() {
    for known in [SECRET, OLD_SECRET] {
        let receiver = Receiver::start(Language::JavaScript, &[known]).await;
        let world = with_webhook(&receiver.url(), &[SECRET, OLD_SECRET]).start().await;
        let token = world.sign_in("google", "ada").await;
        granted(&world, &token, "storage").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_refuses_gives_no_token_and_keeps_nobody_from_signing_in() {
    let receiver = Receiver::start(Language::Python, &[OLD_SECRET]).await;
    let world = with_webhook(&receiver.url(), &[SECRET]).start().await;
    let token = world.sign_in("google", "ada").await;
    assert_no_token(&authorize(&world, &token, "storage").await);
    receiver.has_printed(&["refused: the signature is wrong"; 3].map(str::to_owned)).await;
    let logs = world.program.logs();
    assert!(logs.contains("the answer has status 401 (webhook-id msg_"), "{logs}");
    assert!(!logs.contains("hunter2") && !logs.contains("whsec_"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_away_is_asked_again_once_it_is_back() {
    let receiver = Receiver::start(Language::Python, &[SECRET]).await;
    let (url, port) = (receiver.url(), receiver.port());
    let world = with_webhook(&url, &[SECRET]).start().await;
    drop(receiver);
    let token = world.sign_in("google", "ada").await;
    assert_no_token(&authorize(&world, &token, "storage").await);
    let _receiver = Receiver::start_at(port, Language::Python, &[SECRET]).await;
    granted(&world, &token, "storage").await;
}

/// What decides where permissions come from belongs into the settings.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_asked() {
    let receiver = Receiver::start(Language::Python, &[SECRET]).await;
    let world = with_webhook(&receiver.url(), &[SECRET]);
    let nowhere = "http://127.0.0.1:9";
    let names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let world = names.into_iter().fold(world, |world, name| world.setting(name, nowhere)).start().await;
    let token = world.sign_in("google", "ada").await;
    granted(&world, &token, "storage").await;
}

fn assert_no_token(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["error"], "permissions_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_receivers_refuse_what_is_not_signed_for_them_now() {
    for language in [Language::Python, Language::JavaScript] {
        let receiver = Receiver::start(language, &[SECRET]).await;
        let mut printed = Vec::new();
        for (what, message, reason) in bad_messages() {
            let answer = message.send_to(&receiver).await;
            assert_eq!(answer.status, 401, "{what}: {}", answer.body);
            printed.push(format!("refused: {reason}"));
            receiver.has_printed(&printed).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_receivers_answer_a_message_that_comes_again_and_do_nothing_again() {
    for language in [Language::Python, Language::JavaScript] {
        let receiver = Receiver::start(language, &[SECRET]).await;
        let expected = json!({"permissions": {"read": true, "write": true}, "ttl_seconds": 60});
        for _ in 0..2 {
            let answer = Message::new("permissions", 0).send_to(&receiver).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, expected.clone()));
        }
        let next = Message { id: "msg_2", ..Message::new("user.logout", 0) };
        let next = Message { signature: next.sign(SECRET), ..next };
        assert_eq!(next.send_to(&receiver).await.status, 204);
        receiver.has_printed(&["permissions u1", "user.logout u1"].map(str::to_owned)).await;
    }
}

/// A request as the plugin would make it, or almost.
struct Message {
    id: &'static str,
    timestamp: String,
    signature: String,
    body: String,
}

impl Message {
    /// Signed this many seconds from now.
    fn new(kind: &str, seconds: i64) -> Self {
        let data = json!({"service": "storage", "user_id": "u1", "user": {"id": "u1"}, "context": {}});
        let body = json!({"type": kind, "timestamp": "2026-11-25T08:30:00Z", "data": data}).to_string();
        let mut message =
            Self { id: "msg_1", timestamp: (now() + seconds).to_string(), signature: String::new(), body };
        message.signature = message.sign(SECRET);
        message
    }

    fn sign(&self, secret: &str) -> String {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let content = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
        format!("v1,{}", STANDARD.encode(signature))
    }

    async fn send_to(&self, receiver: &Receiver) -> Answer {
        let client = Client::new(&format!("http://127.0.0.1:{}", receiver.port()));
        let headers = [
            ("webhook-id", self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ];
        let request = client.request(Method::POST, "/").body(self.body.clone());
        let present = headers.into_iter().filter(|(_, value)| !value.is_empty());
        client.send(present.fold(request, |request, (name, value)| request.header(name, value))).await
    }
}

/// What is wrong with each message, the message, and the reason that every receiver gives.
fn bad_messages() -> Vec<(&'static str, Message, &'static str)> {
    let good = || Message::new("permissions", 0);
    let other_secret = Message { signature: good().sign(OLD_SECRET), ..good() };
    let other_version = Message { signature: good().signature.replace("v1,", "v1a,"), ..good() };
    let other_body = Message { body: good().body.replace("storage", "reports"), ..good() };
    vec![
        ("without an id", Message { id: "", ..good() }, "a header is missing"),
        ("without a time", Message { timestamp: String::new(), ..good() }, "a header is missing"),
        ("without a signature", Message { signature: String::new(), ..good() }, "a header is missing"),
        ("ten minutes old", Message::new("permissions", -600), "the time is too far from ours"),
        ("from the future", Message::new("permissions", 600), "the time is too far from ours"),
        ("no time", Message { timestamp: "now".into(), ..good() }, "the time is not a number"),
        ("another time", Message { timestamp: (now() + 60).to_string(), ..good() }, "the signature is wrong"),
        ("another id", Message { id: "msg_2", ..good() }, "the signature is wrong"),
        ("another body", other_body, "the signature is wrong"),
        ("another secret", other_secret, "the signature is wrong"),
        ("another version", other_version, "the signature is wrong"),
        ("a signature that is none", Message { signature: "v1,".into(), ..good() }, "the signature is wrong"),
    ]
}

#[expect(clippy::disallowed_methods, reason = "receivers go by the machine's clock")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// What the document says may be answered is what the plugin's own tests hold it to; here only that it is JSON.
#[test]
fn the_example_of_the_document_is_json() {
    let document = crate::documents::markdown::Document::read("docs/plugins/webhook.md");
    let message: Value = document.fence("json").parse().unwrap();
    assert_eq!(message["type"], "permissions");
}
