//! Bodies: forms of either kind, and nothing else, and not too much of it.

use reqwest::Method;
use serde_json::json;
use vestibule_test_support::Answer;

use crate::app::TestApp;
use crate::clients::ApiClient as _;

const MULTIPART: Option<&str> = Some("multipart/form-data; boundary=edge");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

#[tokio::test(flavor = "multi_thread")]
async fn k3_a_body_of_more_than_64_kibibytes_is_refused() {
    let app = TestApp::new().await;
    let fits = format!("a={}", "x".repeat(64 * 1024 - 2));
    assert_eq!(post(&app, FORM, fits.clone()).await.status, 200);
    for (content_type, body) in [
        (FORM, format!("{fits}x")),
        (FORM, "x".repeat(10 * 1024 * 1024)),
        (MULTIPART, part("a", &"x".repeat(64 * 1024))),
        (Some("application/json"), "x".repeat(70_000)),
    ] {
        let answer = post(&app, content_type, body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (413, &json!("body_too_large")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_forms_are_read() {
    let app = TestApp::new().await;
    for content_type in [Some("application/json"), Some("text/plain"), Some("application/octet-stream"), None]
    {
        let answer = post(&app, content_type, "{\"username\":\"ada\"}").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (415, &json!("unsupported_media_type"))
        );
        let empty = post(&app, content_type, "").await;
        assert_eq!(empty.status, 200, "no body is what existing clients send: {}", empty.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_may_come_in_parts() {
    let app = TestApp::new().await;
    let token = app.sign_in("google", "ada").await;
    let body =
        format!("{}{}{}--edge--\r\n", part("jwt", &token), part("username", "Ada"), part("email", "x"));
    let answer = post(&app, MULTIPART, body).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"success": true})));
    assert_eq!(app.profile(&token).await["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_cannot_be_read_are_refused() {
    let app = TestApp::new().await;
    let twice = format!("{}{}--edge--\r\n", part("username", "a1"), part("username", "a2"));
    for (content_type, body) in [
        (MULTIPART, twice),
        (MULTIPART, part("username", "ada")),
        (MULTIPART, "rubbish".to_owned()),
        (Some("multipart/form-data"), part("username", "ada")),
        (Some("multipart/form-data; boundary="), part("username", "ada")),
    ] {
        let answer = post(&app, content_type, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!("invalid_request")),
            "{body}"
        );
    }
}

async fn post(app: &TestApp, content_type: Option<&str>, body: impl Into<String>) -> Answer {
    let nobody = app.anonymous();
    let request = nobody.request(Method::POST, "/auth/update");
    let request =
        content_type.into_iter().fold(request, |request, kind| request.header("content-type", kind));
    nobody.send(request.body(body.into())).await
}

fn part(name: &str, value: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}
