//! The programs in `docs/verify.md` accept what is good and refuse what is not, against the running service.

mod keys;

use std::fs;
use std::path::Path;
use std::process::Command;

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tempfile::TempDir;
use vestibule_test_support::forge::{message, parts_of, without};
use vestibule_test_support::{Forge, TestDatabase};

use crate::documents::markdown::{Document, repository};
use crate::verifiers::interpreters::{node, python, run};
use crate::world::{World, pem_in};

const SERVICE: &str = "storage";

#[test]
fn the_program_in_rust_is_the_example_of_the_verifier() {
    let example = fs::read_to_string(repository().join("crates/verifier/examples/verify.rs")).unwrap();
    // What our own lints ask of the example is of no interest to others.
    let text: String = example.split_inclusive('\n').filter(|line| !line.starts_with("#![")).collect();
    assert_eq!(Document::read("docs/verify.md").fence("rust"), text);
}

/// What the README shows of a verifier stands, word for word, in a program that the tests below run.
#[test]
fn the_snippets_of_the_readme_are_parts_of_those_programs() {
    let programs = Document::read("docs/verify.md");
    let readme = Document::read("README.md");
    let section =
        readme.text.split("## For backend developers").nth(1).unwrap().split("\n## ").next().unwrap();
    for (language, count) in [("rust", 2), ("python", 1), ("js", 1)] {
        let program = programs.fence(language);
        let shown: Vec<_> = section.split(&format!("```{language}\n")).skip(1).collect();
        assert_eq!(shown.len(), count, "{language}");
        for snippet in shown {
            let snippet = snippet.split("```").next().unwrap();
            assert!(program.contains(snippet), "not in docs/verify.md:\n{snippet}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_rust_verifies() {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples/verify");
    assert!(built.exists(), "{} is not built: run `make build`", built.display());
    try_all_tokens(|| Command::new(&built)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_python_verifies() {
    let (_folder, file) = extract("python", "verify.py");
    try_all_tokens(|| with_file(python(), &file)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_javascript_verifies() {
    let (_folder, file) = extract("js", "verify.mjs");
    try_all_tokens(|| with_file(node(), &file)).await;
}

async fn try_all_tokens(program: impl Fn() -> Command) {
    let world = World::on(TestDatabase::sqlite()).await;
    let user_token = world.sign_in("google", "ada").await;
    let good = permission_token(&world, &user_token, SERVICE).await;
    let verify = |token: &str| {
        let mut command = program();
        command.args([&world.program.base_url(), SERVICE, token]);
        run(command)
    };

    let accepted = verify(&good);
    let (_, claims) = parts_of(&good);
    let expected = format!("{} may ", claims["sub"].as_str().unwrap());
    let printed = String::from_utf8(accepted.stdout).unwrap();
    let permissions = printed
        .strip_prefix(&expected)
        .unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&accepted.stderr)));
    assert_eq!(permissions.parse::<Value>().unwrap(), claims["permissions"]);
    assert_eq!(accepted.status.code(), Some(0));

    for (name, token, reason) in bad_tokens(&world, &user_token, &good).await {
        let refused = verify(&token);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{name}: {told}");
        assert!(told.starts_with("refused: ") && told.contains(reason), "{name}: {told}");
    }
}

/// What is wrong with each token, the token, and a word of the reason that every program gives.
async fn bad_tokens(
    world: &World,
    user_token: &str,
    good: &str,
) -> Vec<(&'static str, String, &'static str)> {
    let forge = Forge::new(&pem_in(&world.program.keys_dir()), good);
    let other_service = permission_token(world, user_token, "reports").await;
    let changed = |claim: &str, value: Value| forge.sign(&forge.header, &forge.claims_with(claim, value));
    let renamed = |algorithm: &str| forge.header_with("alg", json!(algorithm));
    let issued = forge.claims["iat"].as_i64().unwrap();
    vec![
        ("a user token", user_token.to_owned(), "not a permission token"),
        ("another service", other_service.clone(), "another service"),
        ("a list of services", changed("service", json!([SERVICE])), ""),
        ("another service's words changed to ours", graft(&other_service, good), "ignature"),
        ("another issuer", changed("iss", json!("https://auth.example.com")), "ssuer"),
        ("another deployment's key", stranger(good), "key"),
        ("an hour too old", changed("exp", json!(issued - 3600)), "expired"),
        ("without an end", forge.sign(&forge.header, &without(&forge.claims, "exp")), ""),
        ("an end that is a word", changed("exp", json!("never")), ""),
        ("from the future", changed("iat", json!(issued + 3600)), "not"),
        ("no algorithm", forge.sign(&renamed("none"), &forge.claims), "alg"),
        ("another algorithm of the same key", signed_by(&forge, "RS512", Algorithm::RS512), "alg"),
        (
            "the public key as a secret",
            with_shared_secret(world, &renamed("HS256"), &forge.claims).await,
            "alg",
        ),
        ("without a signature", format!("{}.", good.rsplit_once('.').unwrap().0), ""),
        ("not a token", "rubbish".to_owned(), ""),
        ("nobody's", forge.sign(&forge.header, &without(&forge.claims, "sub")), ""),
        ("of a user without a name", changed("sub", json!("")), ""),
        ("of a number", changed("sub", json!(7)), ""),
        ("without permissions", forge.sign(&forge.header, &without(&forge.claims, "permissions")), ""),
        ("permissions that are a word", changed("permissions", json!("all")), ""),
        ("permissions that are a list", changed("permissions", json!(["write"])), ""),
        ("permissions that are nothing", changed("permissions", Value::Null), ""),
    ]
}

async fn permission_token(world: &World, user_token: &str, service: &str) -> String {
    let answer = world.get_as(user_token, &format!("/auth/authorize?service={service}")).await.json();
    answer["token"].as_str().expect("a token").to_owned()
}

/// The claims of the good token under the signature of another.
fn graft(signed: &str, good: &str) -> String {
    let (front, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = signed.rsplit_once('.').unwrap();
    format!("{front}.{signature}")
}

fn stranger(good: &str) -> String {
    let forge = Forge::stranger(good);
    forge.sign(&forge.header_with("kid", json!("another")), &forge.claims)
}

fn signed_by(forge: &Forge, name: &str, algorithm: Algorithm) -> String {
    let message = message(forge.header_with("alg", json!(name)).to_string(), forge.claims.to_string());
    forge.sign_message(&message, algorithm)
}

/// Where a verifier lets the token choose the algorithm, the public key becomes a secret that everybody knows.
async fn with_shared_secret(world: &World, header: &Value, claims: &Value) -> String {
    let pem = world.browser().get("/auth/public-key").await.body;
    let message = message(header.to_string(), claims.to_string());
    let secret = EncodingKey::from_secret(pem.as_bytes());
    format!("{message}.{}", crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap())
}

/// The program of a language, as a file.
fn extract(language: &str, name: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, Document::read("docs/verify.md").fence(language)).unwrap();
    (folder, file)
}

fn with_file(mut interpreter: Command, file: &Path) -> Command {
    interpreter.arg(file);
    interpreter
}
