//! The table against the OpenAPI document.

use std::collections::BTreeMap;

use super::*;

/// An operation of the OpenAPI document.
#[derive(Debug)]
struct Documented {
    path: String,
    method: Method,
    id: String,
    takes_token: bool,
}

fn documented() -> Vec<Documented> {
    let document: serde_json::Value = serde_json::from_str(&endpoints::document().spec()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, operation)| Documented {
            path: path.replace("{provider}", "google"),
            method: method.to_ascii_uppercase().parse().unwrap(),
            id: operation["operationId"].as_str().unwrap().to_owned(),
            takes_token: !operation["security"].is_null(),
        })
    });
    operations.collect()
}

#[test]
fn every_operation_of_the_document_has_its_row() {
    for documented in documented() {
        let operation = Operation::find(&documented.method, &documented.path);
        assert_eq!((operation.id, &operation.method), (documented.id.as_str(), &documented.method));
        assert!(operation.handler.is_some(), "{documented:?}");
        assert_eq!(operation.accepts != Accepts::Nothing, documented.takes_token, "{documented:?}");
    }
    let with_handler = OPERATIONS.iter().filter(|operation| operation.handler.is_some());
    assert_eq!(with_handler.count(), documented().len(), "and no other row has a handler");
}

#[test]
fn a_405_names_the_methods_that_the_document_has() {
    let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for documented in documented() {
        methods.entry(documented.path).or_default().push(documented.method.to_string());
    }
    for (path, methods) in methods {
        let expected = methods.join(", ").replace("GET", "GET, HEAD");
        assert_eq!(allowed_methods(&path), expected, "{path}");
    }
}

#[test]
fn an_address_belongs_to_the_operation_of_its_method() {
    let found = |method, path| {
        let operation = Operation::find(&method, path);
        (operation.id, operation.allows(&method))
    };
    assert_eq!(found(Method::HEAD, "/auth/check"), ("check_session", true));
    assert_eq!(found(Method::POST, "/auth/check"), ("check_session", false));
    assert_eq!(found(Method::HEAD, "/auth/update"), ("update_user", false));
    assert_eq!(found(Method::GET, "/auth/check/"), ("other", true));
    assert_eq!(found(Method::GET, "/assets/app.js"), ("read_asset", true));
    assert_eq!(allowed_methods("/nowhere"), "GET, HEAD");
}

#[test]
fn g6_what_pages_of_every_origin_may_read_depends_on_nobody() {
    let public = OPERATIONS.iter().filter(|operation| operation.is_public);
    for operation in public.clone() {
        assert_eq!((&operation.method, operation.accepts), (&Method::GET, Accepts::Nothing));
        assert!(matches!(operation.path, Exact(_)), "{}", operation.id);
    }
    assert_eq!(public.count(), 4);
}

#[test]
fn l10_a_probe_is_no_work() {
    let probes = ["/readyz", "/healthz", "/auth/check", "/", "/nowhere"].map(is_probe);
    assert_eq!(probes, [true, true, false, false, false]);
}
