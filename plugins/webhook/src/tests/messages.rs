//! What a receiver gets.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vestibule_plugin_sdk::{Value, abi::code, json};

use super::server::{Deed, Request, Server};
use super::{SECRET, asking, permissions, plugin};
use crate::clock;

/// The body, after the signatures have been checked: that each member of `secrets` made the one in its place.
fn verified(request: &Request, secrets: &[&str]) -> Value {
    let header = |name: &str| request.headers[name].as_str();
    let front = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let content = [front.as_bytes(), &request.body].concat();
    let signatures: Vec<_> = header("webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), secrets.len());
    for (signature, secret) in signatures.iter().zip(secrets) {
        let key = Key::new(HMAC_SHA256, &STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap());
        let signature = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&key, &content, &signature).expect("a good signature");
    }
    serde_json::from_slice(&request.body).unwrap()
}

/// Takes the time out of a message and holds it and the one of the header to the clock.
fn take_time(message: &mut Value, request: &Request) {
    let text = message.as_object_mut().unwrap().remove("timestamp").unwrap();
    let time = OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap();
    let sent: i64 = request.headers["webhook-timestamp"].parse().unwrap();
    assert!(time.unix_timestamp() <= sent && sent <= clock::now().unix_timestamp(), "{text} {sent}");
    assert!(sent - time.unix_timestamp() < 60, "{text} {sent}");
}

#[test]
fn a_question_for_permissions_is_a_signed_post() {
    let server = Server::start([Deed::json(r#"{"permissions":{"read":true},"ttl_seconds":60}"#)]);
    let user = json!({"id": "u1", "email": "ada@example.org", "attributes": {"team": "core"}, "new": 1});
    let answer = plugin(&server).get_permissions_of("storage", &user).unwrap();
    assert_eq!((answer.code, &answer.error), (0, &None));
    assert_eq!(answer.reply, Some(json!({"read": true})));
    assert_eq!(answer.ttl.unwrap().as_secs(), 60);

    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.line, "POST /permissions?key=hunter2 HTTP/1.1");
    let headers = ["content-type", "accept", "user-agent"].map(|name| request.headers[name].as_str());
    let agent = concat!("vestibule-webhook/", env!("CARGO_PKG_VERSION"));
    assert_eq!(headers, ["application/json", "application/json", agent]);
    assert!(!request.headers.contains_key("accept-encoding") && !request.headers.contains_key("referer"));
    let mut message = verified(&request, &[SECRET]);
    take_time(&mut message, &request);
    let data = json!({"service": "storage", "user_id": "u1", "user": user, "context": {}});
    assert_eq!(message, json!({"type": "permissions", "data": data}));
}

#[test]
fn identities_are_sent_only_where_that_is_configured() {
    let server = Server::start((0..2).map(|_| Deed::json(r#"{"permissions":{}}"#)));
    let more = json!({"verified_emails": ["ada@example.org"], "identities": [{"provider_id": "github:42"}], "roles": []});
    let mut context = more.clone();
    context["user"] = json!({"id": "u1"});
    for (send, expected) in [(false, json!({})), (true, more)] {
        asking(&server.url("/"), &json!({"send_identities": send})).get_permissions_in("storage", &context);
        let message = verified(server.requests().last().unwrap(), &[SECRET]);
        assert_eq!(message["data"]["context"], expected);
        assert_eq!(message["data"]["user"], json!({"id": "u1"}));
    }
}

#[test]
fn an_event_names_itself_and_the_user() {
    let server = Server::start((0..3).map(|_| Deed::status(204)));
    let plugin = plugin(&server);
    let user = json!({"id": "u1", "name": "Ada", "email": "ada@example.org", "username": "ada",
        "avatar_url": "https://a.example/a.png", "provider_id": "github:42", "attributes": {"a": {"b": 1}}, "new": [1]});
    for answer in [plugin.on_new_user(&user), plugin.on_user_login(&user), plugin.on_user_logout(&user)] {
        let answer = answer.unwrap();
        assert_eq!((answer.code, answer.reply, answer.error), (0, None, None));
    }
    let requests = server.requests();
    for (request, kind) in requests.iter().zip(["user.created", "user.login", "user.logout"]) {
        let mut message = verified(request, &[SECRET]);
        take_time(&mut message, request);
        assert_eq!(message, json!({"type": kind, "data": {"user": user}}));
    }
    let ids: std::collections::BTreeSet<_> =
        requests.iter().map(|request| &request.headers["webhook-id"]).collect();
    assert_eq!(ids.len(), 3, "each message has an id of its own");
    assert!(ids.iter().all(|id| !id.contains('.')));
}

#[test]
fn a_question_about_a_token_is_a_signed_post() {
    let server = Server::start([
        Deed::json(r#"{"identity":{"uid":"builds","committees":["httpd"]},"ttl_seconds":30}"#),
        Deed::json(r#"{"no_opinion":true}"#),
        Deed::json(r#"{"deny":"it has ended"}"#),
        Deed::status(204),
    ]);
    let plugin = plugin(&server);
    let context = json!({"purpose": "forward_auth", "app": "wiki", "method": "GET", "path": "/", "ip": "::1", "later": [1]});
    let answers = [(); 4].map(|()| plugin.resolve_token_in("hunter2", &context).unwrap());
    assert_eq!(answers[0].reply, Some(json!({"uid": "builds", "committees": ["httpd"]})));
    assert_eq!(answers[0].ttl.unwrap().as_secs(), 30);
    assert_eq!([1, 2, 3].map(|n: usize| answers[n].code), [code::NO_OPINION, code::DENY, code::FATAL]);
    let requests = server.requests();
    let mut message = verified(&requests[0], &[SECRET]);
    take_time(&mut message, &requests[0]);
    assert_eq!(message, json!({"type": "token.resolve", "data": {"token": "hunter2", "context": context}}));
    assert!(!format!("{:?}", plugin.log()).contains("hunter2"));
}

#[test]
fn members_that_a_user_does_not_have_stay_absent() {
    let server = Server::start([Deed::status(204)]);
    plugin(&server).on_user_login(&json!({"id": "u1"})).unwrap();
    let message = verified(&server.requests()[0], &[SECRET]);
    assert_eq!(message["data"], json!({"user": {"id": "u1", "attributes": {}}}));
}

#[test]
fn two_secrets_sign_at_once_and_headers_are_added() {
    let server = Server::start([Deed::json(r#"{"permissions":{}}"#)]);
    let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SECRET];
    let more =
        json!({"secrets": secrets, "headers": {"Authorization": "Bearer hunter2", "X-Tenant": "acme"}});
    let answer = permissions(&asking(&server.url("/"), &more));
    assert_eq!((answer.reply, answer.ttl), (Some(json!({})), None));
    let request = &server.requests()[0];
    verified(request, &secrets);
    assert_eq!(request.headers["authorization"], "Bearer hunter2");
    assert_eq!(request.headers["x-tenant"], "acme");
}
