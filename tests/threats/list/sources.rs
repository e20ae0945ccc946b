//! The tests that bear the id of a row, found where they are written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use crate::documents::markdown::repository;

/// Their names, as the runner prints them; those of a crate behind the name of its package.
pub(super) fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for folder in ["tests", "crates", "plugins"] {
        collect(&repository().join(folder), &mut tests);
    }
    assert!(tests.len() > 100, "they are found at all: {tests:?}");
    tests
}

/// A small letter and a number.
pub(super) fn is_id(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|letter| letter.is_ascii_lowercase())
        && letters.as_str().parse::<u8>().is_ok_and(|number| number > 0)
}

fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&path, tests);
        }
    }
}

fn read(path: &Path, tests: &mut BTreeSet<String>) {
    let relative = path.strip_prefix(repository()).expect("a path in the repository").with_extension("");
    let parts: Vec<_> = relative.components().filter_map(name).collect();
    let (package, modules) = match parts.as_slice() {
        ["tests", modules @ ..] => (String::new(), modules),
        ["crates", "vestibule", "src", modules @ ..] => ("vestibule ".to_owned(), modules),
        ["plugins", package, "src", modules @ ..] => (format!("{package} "), modules),
        [_, package, "src", modules @ ..] => (format!("vestibule-{package} "), modules),
        [_, package, "tests", binary, modules @ ..] => (format!("vestibule-{package}::{binary} "), modules),
        _ => return,
    };
    let modules = modules.strip_suffix(&["main"]).or(modules.strip_suffix(&["lib"])).unwrap_or(modules);
    for name in names(&fs::read_to_string(path).expect("a source")) {
        let path = modules.iter().map(|module| (*module).to_owned()).chain([name]);
        tests.insert(format!("{package}{}", path.collect::<Vec<_>>().join("::")));
    }
}

fn name(component: Component<'_>) -> Option<&str> {
    component.as_os_str().to_str()
}

/// The functions of a source that bear an id, with the module that they stand in if it has one inside.
fn names(source: &str) -> Vec<String> {
    let mut inside = None;
    let mut names = Vec::new();
    for line in source.lines() {
        if let Some(module) = opened(line) {
            inside = Some(module);
        } else if line.starts_with('}') {
            inside = None;
        } else if let Some(name) = declared(line).filter(|name| name.split('_').next().is_some_and(is_id)) {
            names.push(inside.iter().copied().chain([name]).collect::<Vec<_>>().join("::"));
        }
    }
    names
}

/// The name of a module that begins in this line.
fn opened(line: &str) -> Option<&str> {
    line.split_once("mod ")
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub"))?
        .1
        .strip_suffix(" {")
}

/// The name of a function that begins in this line.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()
}
