//! What becomes of what a receiver answers.

use vestibule_plugin_sdk::{abi::code, json};

use super::server::{Deed, Server};
use super::{assert_fatal, permissions, plugin};

#[test]
fn a_patch_is_passed_on() {
    let server = Server::start([Deed::json(r#"{"patch":{"attributes":{"a.b":1},"name":null}}"#)]);
    let answer = plugin(&server).on_user_login(&json!({"id": "u1"})).unwrap();
    assert_eq!((answer.code, answer.reply), (0, Some(json!({"attributes": {"a.b": 1}, "name": null}))));
}

#[test]
fn no_opinion_and_denial_are_those_of_the_plugin() {
    let answers = [r#"{"no_opinion":true}"#, r#"{"deny":"left the company"}"#];
    let server = Server::start(answers.into_iter().chain(answers).map(Deed::json));
    let plugin = plugin(&server);
    let user = json!({"id": "u1"});
    let ask = |number| match number {
        0 => permissions(&plugin),
        _ => plugin.on_user_login(&user).unwrap(),
    };
    for question in 0..2 {
        let answer = ask(question);
        assert_eq!((answer.code, answer.reply), (code::NO_OPINION, None));
        let answer = ask(question);
        assert_eq!((answer.code, answer.reply), (code::DENY, None));
        assert_eq!(answer.error.as_deref(), Some("left the company"));
    }
}

#[test]
fn e7_an_answer_of_another_form_fails_and_is_not_told() {
    let cases = [
        (r#"{"hunter2": }"#, "is not JSON"),
        (r#"["hunter2"]"#, "is not a JSON object"),
        (r#"{"permissions":{"hunter2":1,"hunter2":2}}"#, "two members of one name"),
        (r#"{"permissions":{},"permissions":{"hunter2":1}}"#, "two members of one name"),
        (r#"{"permissions":{"hunter2":1},"patch":{}}"#, "exclude each other"),
        (r#"{"hunter2":1}"#, "none of"),
        ("", "is not JSON"),
    ];
    let server = Server::start(cases.iter().map(|(body, _)| Deed::json(body)));
    let plugin = plugin(&server);
    for (_, says) in cases {
        assert_fatal(&permissions(&plugin), says);
    }
    assert_eq!(server.requests().len(), cases.len(), "none is asked for again");
}

#[test]
fn an_answer_without_content_is_one_to_events_only() {
    let server = Server::start([Deed::status(204), Deed::json(r#"{"permissions":{}}"#)]);
    let plugin = plugin(&server);
    assert_fatal(&permissions(&plugin), "status 204");
    assert_fatal(&plugin.on_user_login(&json!({"id": "u1"})).unwrap(), "an event was told");
}

#[test]
fn only_json_that_says_so_is_read() {
    let body = || r#"{"permissions":{}}"#.to_owned();
    let bad = ["", "content-type: text/html\r\n", "content-type: application/problem+json\r\n"];
    let good = ["content-type: application/json; charset=utf-8\r\n", "content-type: Application/JSON\r\n"];
    let server = Server::start(bad.into_iter().chain(good).map(|head| Deed::Answer(200, head, body())));
    let plugin = plugin(&server);
    for _ in bad {
        assert_fatal(&permissions(&plugin), "is not `application/json`");
    }
    for _ in good {
        assert_eq!(permissions(&plugin).reply, Some(json!({})));
    }
}

#[test]
fn every_other_status_is_a_failure_at_once() {
    let statuses = [201, 202, 400, 401, 404, 410, 500, 502, 504];
    let server = Server::start(statuses.map(|status| {
        Deed::Answer(status, "content-type: application/json\r\n", r#"{"permissions":{"hunter2":1}}"#.into())
    }));
    let plugin = plugin(&server);
    for status in statuses {
        assert_fatal(&permissions(&plugin), &format!("status {status}"));
    }
    assert_eq!(server.requests().len(), statuses.len());
}

#[test]
fn e7_a_huge_answer_is_refused_whether_or_not_it_tells_its_size() {
    let padding = |size: usize| format!("{{\"permissions\":{{}}{}}}", " ".repeat(size - 18));
    let chunked = format!(
        "HTTP/1.1 200 x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        10_000_000,
        padding(10_000_000)
    );
    let server = Server::start([
        Deed::json(&padding(65_536)),
        Deed::json(&padding(65_537)),
        Deed::Send(chunked.into_bytes()),
    ]);
    let plugin = plugin(&server);
    assert_eq!(permissions(&plugin).reply, Some(json!({})));
    for _ in 0..2 {
        assert_fatal(&permissions(&plugin), "larger than 64 KiB");
    }
}
