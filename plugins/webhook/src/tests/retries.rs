//! Attempts after the first.

use std::net::TcpListener;

use vestibule_plugin_sdk::{abi::code, json};

use super::server::{Deed, Server};
use super::{asking, assert_retry, permissions, plugin};

const GOOD: &str = r#"{"permissions":{"read":true}}"#;

#[test]
fn a_receiver_that_is_busy_for_a_moment_is_asked_again_with_the_same_message() {
    let busy = Deed::Answer(429, "retry-after: 0\r\n", "busy".into());
    let server = Server::start([Deed::status(503), busy, Deed::json(GOOD)]);
    let plugin = plugin(&server);
    let answer = permissions(&plugin);
    assert_eq!((answer.code, answer.reply), (code::OK, Some(json!({"read": true}))));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.headers["webhook-id"], requests[0].headers["webhook-id"]);
        assert_eq!(request.body, requests[0].body);
    }
    let log = format!("{:?}", plugin.log());
    assert!(log.contains("trying again") && log.contains(&requests[0].headers["webhook-id"]), "{log}");
}

#[test]
fn an_event_is_told_again_as_well() {
    let server = Server::start([Deed::status(503), Deed::status(204)]);
    let answer = plugin(&server).on_new_user(&json!({"id": "u1"})).unwrap();
    assert_eq!((answer.code, answer.reply), (code::OK, None));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn running_out_of_attempts_is_no_answer() {
    let server = Server::start((0..4).map(|_| Deed::status(503)));
    assert_retry(&permissions(&plugin(&server)), "status 503; attempts: 3 (webhook-id");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn no_retries_are_one_attempt() {
    let server = Server::start([Deed::status(503), Deed::json(GOOD)]);
    let plugin = asking(&server.url("/"), &json!({"retries": 0}));
    assert_retry(&permissions(&plugin), "status 503; attempts: 1");
    assert_eq!(server.requests().len(), 1);
}

/// The receiver is not asked sooner than it wants, and the call does not wait for what it cannot have.
#[test]
fn a_retry_after_beyond_the_time_of_the_call_ends_it() {
    let later = Deed::Answer(503, "retry-after: 30\r\n", String::new());
    let server = Server::start([later, Deed::json(GOOD)]);
    assert_retry(&permissions(&plugin(&server)), "status 503; attempts: 1; no time for another");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_receiver_that_is_not_there_is_looked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/?key=hunter2", listener.local_addr().unwrap());
    drop(listener);
    let answer = permissions(&asking(&url, &json!({})));
    assert_retry(&answer, "no connection: ");
    assert!(answer.error.unwrap().contains("attempts: 3"));
}
