//! Who may depend on whom. A crate that is not in the table fails the test: it gets its row first.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of the workspace that it may depend on. Dev-dependencies are free.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("file-permissions", &[]),
    ("tokens", &["domain", "file-permissions"]),
    ("storage", &["domain", "file-permissions"]),
    ("upstream", &["domain"]),
    ("plugin-abi", &[]),
    ("plugin-sdk", &["plugin-abi"]),
    ("plugin-host", &["plugin-abi", "domain", "file-permissions"]),
    ("flows", &["domain", "tokens", "storage", "upstream", "plugin-abi", "plugin-host"]),
    ("http", &["flows", "domain"]),
    ("metrics", &["domain", "tokens", "storage", "upstream", "plugin-host", "flows", "http", "listener"]),
    ("provider-emulator", &[]),
    ("listener", &[]),
    ("verifier", &[]),
    ("test-support", &[]),
    ("tests", &[]),
    ("bench", &["provider-emulator"]),
];

/// What the program composes: everything but what plugin authors, other services and tests use.
const PROGRAM_MAY_DEPEND_ON: &[&str] = &[
    "domain",
    "file-permissions",
    "tokens",
    "storage",
    "upstream",
    "plugin-abi",
    "plugin-host",
    "flows",
    "http",
    "metrics",
    "listener",
    "provider-emulator",
];

/// Outside crates that have one home, and the crates that are it.
const HOMES: &[(&str, &[&str])] = &[
    ("diesel", &["storage", "test-support"]),
    ("diesel-async", &["storage"]),
    ("diesel_migrations", &["storage"]),
    ("libloading", &["plugin-host"]),
    ("poem", &["http", "vestibule", "provider-emulator", "bench"]),
    ("poem-openapi", &["http"]),
    ("prometheus-client", &["metrics"]),
    ("opentelemetry", &["vestibule"]),
    ("opentelemetry_sdk", &["vestibule"]),
    ("tracing-opentelemetry", &["vestibule"]),
];

#[test]
fn crates_depend_in_one_direction() {
    let mut offences = Vec::new();
    for (package, dependencies) in packages() {
        let allowed = allowed_for(&package);
        let inside = dependencies.iter().filter_map(|name| short_name(name));
        offences.extend(
            inside.filter(|name| !allowed.contains(name)).map(|name| format!("{} -> {name}", package.name)),
        );
    }
    assert_eq!(offences, Vec::<String>::new(), "the table above says who may depend on whom");
}

/// The arrows of docs/contributing.md, between the crates that it shows.
#[test]
fn the_picture_of_the_house_is_what_the_code_is() {
    let document = include_str!("../docs/contributing.md");
    let (_, picture) = document.split_once("```mermaid\n").expect("a picture");
    let (picture, _) = picture.split_once("```").expect("its end");
    let arrow = |line: &str| {
        let (from, to) = line.trim().split_once(" --> ")?;
        Some((from.to_owned(), to.to_owned()))
    };
    let drawn: BTreeSet<_> = picture.lines().filter_map(arrow).collect();
    let shown = |name: &str| name != "bench" && name != "tests" && name != "test-support";
    let packages = packages().into_iter().filter(|(package, _)| !package.is_plugin && shown(&package.name));
    let built: BTreeSet<_> = packages
        .flat_map(|(package, dependencies)| {
            let inside = dependencies.into_iter().filter_map(|name| short_name(&name).map(str::to_owned));
            inside.map(move |name| (package.name.clone(), name)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(drawn, built, "docs/contributing.md shows another house");
    assert!(drawn.len() > 20);
}

#[test]
fn outside_crates_stay_in_their_homes() {
    let mut offences = Vec::new();
    for (package, dependencies) in packages() {
        for (outside, homes) in HOMES {
            if dependencies.iter().any(|name| name == outside) && !homes.contains(&&*package.name) {
                offences.push(format!("{} -> {outside}", package.name));
            }
        }
    }
    assert_eq!(offences, Vec::<String>::new());
}

#[test]
fn there_is_one_tls_stack_and_one_crypto_library() {
    let everything = tree(&["--workspace"]);
    for unwanted in ["openssl-sys", "native-tls", "ring"] {
        assert!(!everything.iter().any(|name| name == unwanted), "{unwanted} is in the tree");
    }
}

#[test]
fn the_verifier_and_the_plugin_sdk_bring_no_server_parts() {
    for package in ["vestibule-verifier", "vestibule-plugin-sdk"] {
        let brought = tree(&["--package", package]);
        for unwanted in ["tokio", "hyper", "poem", "reqwest", "diesel"] {
            assert!(!brought.iter().any(|name| name == unwanted), "{package} brings {unwanted}");
        }
    }
}

struct Package {
    /// Without the prefix.
    name: String,
    is_plugin: bool,
}

fn allowed_for(package: &Package) -> &'static [&'static str] {
    match package.name.as_str() {
        "vestibule" => PROGRAM_MAY_DEPEND_ON,
        _ if package.is_plugin => &["plugin-sdk", "file-permissions"],
        name => {
            let row = MAY_DEPEND_ON.iter().find(|(listed, _)| *listed == name);
            row.unwrap_or_else(|| panic!("{name} has no row in the table")).1
        }
    }
}

/// Every package of the workspace with the names of what it is built with, dev-dependencies left out.
fn packages() -> Vec<(Package, Vec<String>)> {
    let output = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&output).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(|package| (identify(package), built_with(package))).collect()
}

fn identify(package: &Value) -> Package {
    let name = package["name"].as_str().expect("a name");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let name = short_name(name).unwrap_or(name).to_owned();
    // Those for users are in `plugins`, those that misbehave for tests in `tests/plugins`.
    let folder = manifest.ancestors().nth(2).and_then(Path::file_name);
    Package { name, is_plugin: folder.is_some_and(|folder| folder == "plugins") }
}

fn built_with(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
    let built_with = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    built_with.map(|dependency| dependency["name"].as_str().expect("a name").to_owned()).collect()
}

fn short_name(package: &str) -> Option<&str> {
    package.strip_prefix("vestibule-").or_else(|| (package == "vestibule").then_some(package))
}

/// The names of all packages that a build of this selection needs.
fn tree(selection: &[&str]) -> Vec<String> {
    let arguments = [&["tree", "--edges=normal,build", "--prefix=none", "--format={p}"], selection].concat();
    let lines = cargo(&arguments);
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")])
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}
