//! What the documents say of the repository and the settings is so.

mod deployment;
pub(crate) mod markdown;
mod providers;
mod sessions;

use std::fs;
use std::path::Path;

use markdown::{Document, code_spans, repository};

/// Names in capitals with an underscore that other programs gave to something.
const OTHER_NAMES: &[&str] = &[
    "HTTPS_PROXY",
    "LC_ALL",
    "NO_PROXY",
    "OTEL_BSP_SCHEDULE_DELAY",
    "SCHED_BATCH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

#[test]
fn every_relative_link_leads_somewhere() {
    let broken: Vec<_> = Document::all().iter().flat_map(broken_links).collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_readme_gives_the_same_defaults() {
    let settings = Document::read("docs/settings.md").rows();
    let mut compared = 0;
    for row in Document::read("README.md").rows() {
        let names = code_spans(&row[0]);
        let is_meant =
            |setting: &&Vec<String>| code_spans(&setting[0]).iter().any(|name| names.contains(name));
        for setting in settings.iter().filter(is_meant) {
            let without_dev = setting[2].split(", ").next();
            assert_eq!(row.last().map(String::as_str), without_dev, "{row:?}");
            compared += 1;
        }
    }
    assert!(compared > 5, "the README has a table of settings");
}

#[test]
fn no_document_tells_of_a_setting_that_does_not_exist() {
    let settings = settings();
    let header =
        fs::read_to_string(repository().join("crates/plugin-abi/include/vestibule_plugin.h")).unwrap();
    let is_known = |name: &str| {
        settings.contains(&name.strip_suffix("_FILE").unwrap_or(name).to_owned())
            || OTHER_NAMES.contains(&name)
            || header.contains(name)
    };
    let mut unknown = Vec::new();
    for document in Document::all() {
        let spans = document.code_spans();
        let names = spans.iter().filter_map(|span| span.split('=').next());
        let names = names.filter(|name| looks_like_a_setting(name) && !is_known(name));
        unknown.extend(names.map(|name| format!("{}: {name}", document.path.display())));
    }
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn no_document_mentions_a_place_on_a_particular_machine() {
    let checkout = fs::canonicalize(repository()).expect("the repository is there");
    let checkout = checkout.to_str().expect("a path in UTF-8").to_owned();
    // A name such as `/source` could be a word of a document; a deeper one is a place.
    let checkout = Some(checkout).filter(|path| path.matches('/').count() > 1);
    let private = ["/home/", "/root/", "/Users/", "C:\\"].map(str::to_owned);
    let places: Vec<String> = private.into_iter().chain(checkout).collect();
    for document in Document::all() {
        let found: Vec<_> = places.iter().filter(|place| document.text.contains(place.as_str())).collect();
        assert!(found.is_empty(), "{}: {found:?}", document.path.display());
    }
}

fn broken_links(document: &Document) -> Vec<String> {
    let links = document.links().into_iter();
    let inside = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    let broken = inside.filter(|link| !leads_somewhere(document, link));
    broken.map(|link| format!("{}: {link}", document.path.display())).collect()
}

fn leads_somewhere(document: &Document, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let folder = document.path.parent().unwrap_or(Path::new(""));
    let target = if path.is_empty() { document.path.clone() } else { folder.join(path) };
    match anchor {
        None => repository().join(&target).exists(),
        Some(anchor) => {
            repository().join(&target).is_file()
                && Document::read(&target).anchors().contains(&anchor.to_owned())
        }
    }
}

fn looks_like_a_setting(name: &str) -> bool {
    name.contains('_')
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .chars()
            .all(|character| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_')
}

/// The names of all settings. The program writes the tables that have them, and a test of its own holds the two together.
pub(crate) fn settings() -> Vec<String> {
    let rows = Document::read("docs/settings.md").rows();
    let names = rows.iter().flat_map(|row| code_spans(&row[0]));
    let names: Vec<_> = names.filter(|name| *name == name.to_uppercase()).collect();
    assert!(names.contains(&"LISTEN".to_owned()) && names.contains(&"PRIVATE_KEY".to_owned()), "{names:?}");
    names
}
