//! What the documents say of the repository and the settings is so.

mod deployment;
pub(crate) mod markdown;

use std::fs;
use std::path::Path;

use markdown::{Document, code_spans, repository};

/// The settings with a value of their own when they are absent. The others are off, required, or have none.
const DEFAULTS: [(&str, &str); 19] = [
    ("LISTEN", "127.0.0.1:8000"),
    ("DATABASE_URL", "sqlite://vestibule.db"),
    ("KEYS_DIR", "keys"),
    ("GOOGLE_ISSUER", "https://accounts.google.com"),
    ("GITHUB_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://api.github.com"),
    ("ALLOWED_ORIGINS", "EXTERNAL_ADDRESS"),
    ("ACCOUNT_LINKING", "verified-email"),
    ("USER_ID_SCHEME", "random"),
    ("USER_TOKEN_TTL", "14d"),
    ("PERMISSION_TOKEN_TTL", "15m"),
    ("PERMISSION_TOKEN_REUSE", "on"),
    ("AUDIT_RETENTION", "90d"),
    ("OTEL_SERVICE_NAME", "vestibule"),
    ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
    ("OTEL_TRACES_SAMPLER_ARG", "1"),
    ("LOG", "info"),
    ("LOG_FORMAT", "text"),
    ("LOG_ACCESS_RATE", "1000/1s"),
];

/// Names in capitals with an underscore that other programs gave to something.
const OTHER_NAMES: [&str; 4] = ["HTTPS_PROXY", "LC_ALL", "OTEL_BSP_SCHEDULE_DELAY", "SCHED_BATCH"];

#[test]
fn every_relative_link_leads_somewhere() {
    let broken: Vec<_> = Document::all().iter().flat_map(broken_links).collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_setting_is_documented_with_its_default() {
    let rows = Document::read("docs/settings.md").rows();
    for name in settings() {
        let row = rows.iter().find(|row| code_spans(&row[0]).contains(&name));
        let row = row.unwrap_or_else(|| panic!("docs/settings.md has no row for {name}"));
        let default = row.last().filter(|cell| row.len() == 3 && !cell.is_empty());
        let default = default.unwrap_or_else(|| panic!("docs/settings.md has no default for {name}"));
        if let Some((_, value)) = DEFAULTS.iter().find(|(setting, _)| *setting == name) {
            assert!(code_spans(default).contains(&(*value).to_owned()), "{name}: {default}");
        }
    }
}

#[test]
fn the_readme_gives_the_same_defaults() {
    for row in Document::read("README.md").rows() {
        let names = code_spans(&row[0]);
        for (_, value) in DEFAULTS.iter().filter(|(name, _)| names.contains(&(*name).to_owned())) {
            assert!(row.last().is_some_and(|cell| cell.contains(&format!("`{value}`"))), "{row:?}");
        }
    }
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
fn the_first_column_of_the_settings_is_settings_alone() {
    let known = settings();
    for row in Document::read("docs/settings.md").rows() {
        for name in code_spans(&row[0]) {
            assert!(known.contains(&name), "{name}");
        }
    }
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

/// The names that the program knows, read where it has them.
pub(crate) fn settings() -> Vec<String> {
    let source =
        fs::read_to_string(repository().join("crates/vestibule/src/settings/names.rs")).expect("the names");
    let lists = source.split("pub(super) const ").skip(1).filter(|list| !list.starts_with("TABLES"));
    let lists = lists.filter_map(|list| list.split_once("];"));
    let names: Vec<String> = lists
        .flat_map(|(list, _)| list.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(names.contains(&"LISTEN".to_owned()) && names.contains(&"PRIVATE_KEY".to_owned()), "{names:?}");
    names
}
