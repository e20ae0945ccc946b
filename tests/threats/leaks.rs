//! N3, N6: what comparisons take, and what those who watch the service learn.

use std::fs;
use std::path::Path;

use serde_json::json;
use vestibule_test_support::{Method, TestDatabase};

use crate::documents::markdown::repository;
use crate::world::World;

/// Where a value that a stranger sends is compared with one that the stranger must not know: the file, the function
/// and the comparison within it, which takes the same time wherever the two differ. Everything else that is a secret
/// is looked up by a digest, or proven by a signature whose key is public.
const COMPARISONS: [(&str, &str, &str); 4] = [
    ("crates/flows/src/sign_in/browser.rs", "fn matches", "equal_secrets("),
    ("crates/tokens/src/digest.rs", "fn equal_secrets", "constant_time::verify_slices_are_equal("),
    ("crates/upstream/src/oidc/id_token.rs", "fn check_nonce", "equal("),
    ("crates/upstream/src/oidc/id_token.rs", "fn equal", "constant_time::verify_slices_are_equal("),
];

/// Measuring nanoseconds on a machine that does other things as well proves nothing, so the sources are looked at: each
/// comparison is the library's, and none of the types that hold a secret can be compared in any other way.
#[test]
fn n3_secrets_are_compared_by_what_takes_the_same_time_wherever_they_differ() {
    for (path, function, comparison) in COMPARISONS {
        let source = fs::read_to_string(repository().join(path)).unwrap();
        let (_, after) =
            source.split_once(&format!("{function}(")).unwrap_or_else(|| panic!("{path}: {function}"));
        let (body, _) = after.split_once("\n}").or(after.split_once("\n    }")).unwrap();
        let body = body.split("\n    }\n").next().unwrap();
        assert!(body.contains(comparison) && !body.contains("=="), "{path}, {function}: {body}");
    }
    let mut comparable = Vec::new();
    find_comparable(&repository().join("crates"), &mut comparable);
    assert_eq!(comparable, Vec::<String>::new());
}

/// Types that hold a secret and yet have `==`, which stops at the first difference. The digest of one is no secret: it is what a
/// database finds a random text by.
fn find_comparable(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_comparable(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let derived = source.split("#[derive(").skip(1).filter_map(|item| item.split_once(")]"));
            let secrets =
                derived.filter(|(traits, rest)| traits.contains("PartialEq") && declares_secret(rest));
            found.extend(
                secrets.map(|(_, rest)| {
                    format!("{}: {}", path.display(), rest.lines().nth(1).unwrap_or_default())
                }),
            );
        }
    }
}

fn declares_secret(item: &str) -> bool {
    let declaration = item.split(['\n', '{', '(']).find(|line| line.contains("struct "));
    declaration.is_some_and(|line| {
        ["Secret", "SigningKey", "PrivateKey"].iter().any(|word| line.contains(word))
            && !line.contains("Digest")
    })
}

/// What health checks and crawlers call themselves opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn n6_whoever_says_that_it_watches_the_service_is_told_no_more() {
    let world = World::builder(TestDatabase::sqlite()).with_metrics().start().await;
    let token = world.sign_in("google", "ada").await;
    for agent in ["kube-probe/1.31", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Prometheus/3.0", "haproxy"] {
        let ask = async |method: Method, address: &str| {
            let browser = world.browser();
            let request = browser.request(method, address).header("user-agent", agent);
            browser.send(request.header("x-health-check", "1")).await
        };
        assert_eq!(ask(Method::GET, "/auth/check").await.json()["authenticated"], false, "{agent}");
        let authorize = ask(Method::GET, "/auth/authorize?service=storage").await;
        assert_eq!(authorize.json(), json!({"permissions": {}}), "{agent}");
        assert_eq!(
            ask(Method::POST, "/auth/update?username=root1").await.json()["success"],
            false,
            "{agent}"
        );
        for address in ["/metrics", "/debug", "/status", "/version", "/admin", "/actuator/env"] {
            assert_eq!(ask(Method::GET, address).await.status, 404, "{agent} {address}");
        }
    }
    assert!(world.is_signed_in(&token).await);
}

/// Enough to know whether to send requests there, nothing about where that is.
#[tokio::test(flavor = "multi_thread")]
async fn n6_health_tells_neither_versions_nor_places() {
    let world = World::builder(TestDatabase::sqlite()).with_metrics().start().await;
    let token = world.sign_in("google", "ada").await;
    let directory = world.program.directory().display().to_string();
    let metrics = world.admin().get("/metrics").await;
    for (answer, is_public) in [
        (world.browser().get("/healthz").await, true),
        (world.browser().get("/readyz").await, true),
        (metrics, false),
    ] {
        assert_eq!(answer.status, 200);
        for inside in [directory.as_str(), "google-secret", "example.com", "sqlite://", &token] {
            assert!(!answer.body.contains(inside), "{inside} is in {}", answer.body);
        }
        let version = env!("CARGO_PKG_VERSION");
        assert!(!(is_public && answer.body.contains(version)), "{}", answer.body);
    }
}
