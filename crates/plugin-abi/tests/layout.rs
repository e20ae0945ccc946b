//! The header and its mirror are both held to the golden file.

#![cfg(test)]
use std::path::{Path, PathBuf};
use std::process::Command;

const GOLDEN: &str = include_str!("../golden/abi-1.0.txt");

/// `FIELD(struct, member, 8)` becomes `("struct.member", 8)`, the other two forms likewise.
fn golden() -> Vec<(String, i64)> {
    let lines = GOLDEN.lines().filter(|line| !line.starts_with("/*"));
    lines
        .map(|line| {
            let (_, arguments) = line.trim_end_matches(')').split_once('(').expect("NAME(arguments)");
            let (name, number) = arguments.rsplit_once(", ").expect("a name and a number");
            (name.replace(", ", "."), number.parse().expect("a number"))
        })
        .collect()
}

fn compile(compiler: &str, language: &[&str]) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("layout-{compiler}.o"));
    let run = Command::new(compiler)
        .args(language)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"])
        .args(["-I", "include", "-I", "golden", "tests/layout.c", "-o"])
        .arg(output)
        .current_dir(root)
        .status();
    match run {
        Ok(status) => status.success(),
        Err(error) => panic!("{compiler} cannot be run: {error}"),
    }
}

fn is_installed(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok()
}

#[test]
fn the_mirror_has_the_layout_of_the_golden_file() {
    let mirror: Vec<_> =
        vestibule_plugin_abi::LAYOUT.iter().map(|&(name, number)| (name.to_owned(), number)).collect();
    assert_eq!(mirror, golden());
}

#[test]
fn the_header_has_the_layout_of_the_golden_file_in_c11() {
    assert!(compile("cc", &["-x", "c", "-std=c11"]));
}

#[test]
fn the_header_has_the_layout_of_the_golden_file_in_cpp17() {
    if is_installed("c++") {
        assert!(compile("c++", &["-x", "c++", "-std=c++17"]));
    }
}
