//! Where in a request each kind of credential counts, and that two of them are one too many.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use vestibule_test_support::{Answer, on_both_databases};

use super::credentials::{ASKS_FOR_COOKIE, Kind, Way, with_parameter};
use super::stage::Stage;
use crate::signed_in::SESSION_COOKIE;

/// A place in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Bearer,
    AuthToken,
    Query,
    Form,
    BasicPassword,
    BasicUsername,
    Cookie,
}

const PLACES: [Place; 7] = [
    Place::Bearer,
    Place::AuthToken,
    Place::Query,
    Place::Form,
    Place::BasicPassword,
    Place::BasicUsername,
    Place::Cookie,
];

/// Where each kind counts.
#[rustfmt::skip]
const TABLE: [(Kind, [bool; PLACES.len()]); Kind::ALL.len()] = [
    //                      bearer auth-token query  form   password username cookie
    (Kind::BrowserCookie,   [false, false,    false, false, false,   false,   true]),
    (Kind::UserToken,       [true,  true,     true,  true,  false,   false,   false]),
    (Kind::PermissionToken, [false, false,    false, false, false,   false,   false]),
    (Kind::SessionHandle,   [true,  false,    false, false, false,   false,   false]),
    (Kind::PersonalToken,   [true,  true,     false, false, true,    false,   false]),
    (Kind::RoleToken,       [true,  true,     false, false, true,    false,   false]),
    (Kind::AccessToken,     [true,  true,     false, false, false,   false,   false]),
    (Kind::RefreshToken,    [false, false,    false, false, false,   false,   false]),
    (Kind::HandlerToken,    [true,  false,    false, false, false,   false,   false]),
];

/// Puts a text there; what stands in the address is left to [`ask`].
fn put(request: RequestBuilder, place: Place, text: &str) -> RequestBuilder {
    let basic =
        |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    match place {
        Place::Bearer => request.bearer_auth(text),
        Place::AuthToken => request.header("auth-token", text),
        Place::Query => request,
        Place::Form => request.form(&[("jwt", text)]),
        Place::BasicPassword => request.header("authorization", basic("anybody", text)),
        Place::BasicUsername => request.header("authorization", basic(text, "")),
        Place::Cookie => request.header("cookie", format!("{SESSION_COOKIE}={text}")),
    }
}

/// Asks by a text in a place, as a page of the service itself that lets a cookie count.
async fn ask(stage: &Stage, method: Method, path: &str, place: Place, text: &str) -> Answer {
    let address = with_parameter(path, ASKS_FOR_COOKIE);
    let address =
        if place == Place::Query { with_parameter(&address, &format!("jwt={text}")) } else { address };
    let build = |request: RequestBuilder| put(request.header("sec-fetch-site", "same-origin"), place, text);
    stage.send(method, &address, build).await
}

/// Whether the text stands for somebody there, by each operation that may say so of its kind.
async fn counts(stage: &Stage, kind: Kind, place: Place, text: &str) -> Vec<bool> {
    let success = ask(stage, Method::POST, "/auth/update", place, text).await;
    let success = success.json()["success"] == true;
    if place == Place::Form {
        return vec![success];
    }
    let get = async |path| ask(stage, Method::GET, path, place, text).await;
    let check = get("/auth/check").await.json()["authenticated"] == true;
    let authorize = get("/auth/authorize?service=storage").await.json();
    let session = get("/auth/session").await;
    assert!([200, 401, 403].contains(&session.status.as_u16()), "{}", session.body);
    if kind == Kind::SessionHandle {
        assert!(!check && authorize["token"] == Value::Null, "{place:?}");
        return vec![session.status == 200];
    }
    vec![check, authorize["token"] != Value::Null, session.status == 200]
}

on_both_databases! {
    async fn d6_h2_h16_each_kind_of_credential_counts_in_its_own_places_alone(database) {
        let mut stage = Stage::set(database).await;
        for (kind, places) in TABLE {
            let credential = stage.credential(kind, Way::USUAL).await;
            for (place, belongs) in PLACES.into_iter().zip(places) {
                let found = counts(&stage, kind, place, &credential.text).await;
                assert_eq!(found, vec![belongs; found.len()], "{kind:?} in {place:?}");
            }
        }
    }
}

/// The operations that answer who somebody is, or refuse.
const ASKED: [&str; 4] = ["/auth/check", "/auth/authorize?service=storage", "/auth/session", "/auth/tokens"];

on_both_databases! {
    async fn d6_g12_two_credentials_are_one_too_many_and_a_cookie_beside_a_token_is_not_looked_at(database) {
        let mut stage = Stage::set(database).await;
        let mut credentials = Vec::new();
        for kind in Kind::ALL {
            credentials.push(stage.credential(kind, Way::USUAL).await);
        }
        let [cookie, tokens @ ..] = credentials.as_slice() else { unreachable!("a credential of each kind") };
        for first in tokens {
            for second in tokens {
                for path in ASKED {
                    let both = |request: RequestBuilder| {
                        request.bearer_auth(&first.text).header("auth-token", &second.text)
                    };
                    let answer = stage.send(Method::GET, path, both).await;
                    let is_one = first.kind == second.kind;
                    assert_eq!(answer.status != 400, is_one, "{path} by {:?} and {:?}", first.kind, second.kind);
                    assert!(is_one || answer.json()["error"] == "invalid_request", "{}", answer.body);
                }
            }
            let path = with_parameter("/auth/session", ASKS_FOR_COOKIE);
            let alone = stage.send(Method::GET, &path, |request| put(request, Place::Bearer, &first.text)).await;
            let beside = stage.send(Method::GET, &path, |request| {
                cookie.put(put(request, Place::Bearer, &first.text), Way::USUAL)
            });
            let beside = beside.await;
            assert_eq!(beside.status, alone.status, "{:?}", first.kind);
            assert_eq!(beside.json()["uid"], alone.json()["uid"]);
            assert_eq!(beside.json()["services"], alone.json()["services"]);
        }
    }
}
