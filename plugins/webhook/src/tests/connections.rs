//! Connections that are kept, that lead elsewhere, and that end badly.

use std::collections::BTreeSet;
use std::time::Duration;

use vestibule_plugin_sdk::json;

use super::server::{Deed, Server};
use super::{assert_fatal, assert_retry, permissions, plugin};

/// The time of a call that is to run out.
const SHORT: Duration = Duration::from_millis(500);
const GOOD: &str = r#"{"permissions":{"read":true}}"#;

/// A connection is free again a moment after its answer, so a call that follows at once may open another.
#[test]
fn a_connection_is_used_again() {
    let server = Server::start((0..50).map(|_| Deed::json(GOOD)));
    let plugin = plugin(&server);
    for _ in 0..50 {
        assert_eq!(permissions(&plugin).reply, Some(json!({"read": true})));
    }
    let connections = server.requests().iter().map(|request| request.connection).collect::<BTreeSet<_>>();
    assert!(connections.len() < 50, "{connections:?}");
}

/// Whoever used connections that are closed would fail every other time. Now and then it happens to everybody: the request
/// and the news of the end cross.
#[test]
fn a_connection_that_the_receiver_closed_between_calls_does_not_matter() {
    let answer = format!(
        "HTTP/1.1 200 x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{GOOD}",
        GOOD.len()
    );
    let server = Server::start((0..20).map(|_| Deed::Send(answer.clone().into_bytes())));
    let plugin = plugin(&server);
    let answered = (0..20).filter(|_| {
        let answered = permissions(&plugin).reply.is_some();
        if answered {
            server.wait_until_closed();
        }
        answered
    });
    let answered = answered.count();
    assert!(answered > 15, "{answered}");
    assert_eq!(server.requests().len(), answered);
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Server::start([Deed::json(GOOD)]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url("/"));
        let server = Server::start([Deed::Answer(status, location.leak(), String::new())]);
        assert_fatal(
            &permissions(&plugin(&server)),
            &format!("status {status}, and redirects are not followed"),
        );
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_receiver_that_says_nothing_costs_no_more_than_the_time_of_the_call() {
    let server = Server::start([Deed::Hang]);
    let plugin = plugin(&server).with_timeout(SHORT);
    assert_retry(&permissions(&plugin), "no answer in the time that the call has");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_receiver_that_speaks_ever_so_slowly_costs_no_more_than_the_time_of_the_call() {
    let server = Server::start([Deed::Drip]);
    let plugin = plugin(&server).with_timeout(SHORT);
    assert_retry(&permissions(&plugin), "no answer in the time that the call has");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_call_without_time_sends_nothing() {
    let server = Server::start([Deed::json(GOOD)]);
    assert_retry(&permissions(&plugin(&server).with_timeout(Duration::ZERO)), "no answer in the time");
    assert!(server.requests().is_empty());
}

#[test]
fn a_request_that_may_have_arrived_is_not_sent_again() {
    let half =
        b"HTTP/1.1 200 x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"permissions\":{";
    for deed in [Deed::Send(half.to_vec()), Deed::Send(Vec::new()), Deed::Reset] {
        let server = Server::start([deed, Deed::json(GOOD)]);
        assert_retry(&permissions(&plugin(&server)), "the connection broke off");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn what_is_not_http_is_no_answer() {
    let server = Server::start([Deed::Send(b"SSH-2.0-hunter2\r\n\r\n".to_vec()), Deed::json(GOOD)]);
    assert_retry(&permissions(&plugin(&server)), "the connection broke off");
    assert_eq!(server.requests().len(), 1);
}
