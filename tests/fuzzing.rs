//! The fuzzer's targets are all there: each has its program, its corpus, and a crate whose tests replay it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::documents::markdown::repository;

fn names_in(folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(repository().join(folder)).unwrap();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(|file| stem(&file.unwrap().path())).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_target_is_built_and_has_a_corpus() {
    let programs = names_in("fuzz/fuzz_targets");
    assert!(programs.len() > 20, "{programs:?}");
    assert_eq!(programs, names_in("fuzz/corpus"));
    let manifest = text(&repository().join("fuzz/Cargo.toml"));
    let (_, binaries) = manifest.split_once("[[bin]]").unwrap();
    let named = binaries.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    assert_eq!(programs, named.map(str::to_owned).collect());
}

#[test]
fn every_target_is_replayed_by_the_tests_of_its_crate() {
    let sources = ["crates", "plugins"].into_iter().flat_map(|group| {
        let packages = fs::read_dir(repository().join(group)).unwrap();
        packages.map(|package| package.unwrap().path().join("src"))
    });
    // The settings belong to one of the modules of the program.
    let modules = sources.flat_map(|source| [source.join("fuzzing.rs"), source.join("settings/fuzzing.rs")]);
    let mut replayed = BTreeSet::new();
    for module in modules.filter(|module| module.exists()) {
        let text = text(&module);
        assert!(text.contains("#[cfg(test)]\n#[path = \""), "{} does not replay", module.display());
        let (_, table) = text.split_once("const TARGETS").unwrap();
        let (table, _) = table.split_once("];").unwrap();
        let names = table.split("(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        replayed.extend(names);
    }
    assert_eq!(names_in("fuzz/fuzz_targets"), replayed);
}
