//! The header and its mirror are both held to the golden file.

#![cfg(test)]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const GOLDEN: &str = include_str!("../golden/abi-1.2.txt");
/// Every earlier version, which programs that are in use were compiled against.
const EARLIER: &[(&str, &str)] =
    &[("1.0", include_str!("../golden/abi-1.0.txt")), ("1.1", include_str!("../golden/abi-1.1.txt"))];

/// `FIELD(struct, member, 8)` becomes `("struct.member", 8)`, the other two forms likewise.
fn parse(golden: &str) -> Vec<(String, i64)> {
    let lines = golden.lines().filter(|line| !line.starts_with("/*"));
    lines
        .map(|line| {
            let (_, arguments) = line.trim_end_matches(')').split_once('(').expect("NAME(arguments)");
            let (name, number) = arguments.rsplit_once(", ").expect("a name and a number");
            (name.replace(", ", "."), number.parse().expect("a number"))
        })
        .collect()
}

fn compile(compiler: &str, language: &[&str], include: &str, golden: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("layout-{compiler}-{golden}.o"));
    let run = Command::new(compiler)
        .args(language)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"])
        .args(["-I", include, "-I", "golden", "tests/layout.c", "-o"])
        .arg(output)
        .arg(format!("-DGOLDEN=\"{golden}\""))
        .current_dir(root)
        .output();
    match run {
        Ok(output) => {
            println!("{}", String::from_utf8_lossy(&output.stderr));
            output.status.success()
        }
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
    assert_eq!(mirror, parse(GOLDEN));
}

/// A struct with its members in their order; each constant by itself.
fn by_struct(layout: &[(String, i64)]) -> BTreeMap<&str, Vec<(&str, i64)>> {
    let mut structs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, number) in layout {
        let (owner, member) = name.split_once('.').unwrap_or((name, ""));
        structs.entry(owner).or_default().push((member, *number));
    }
    structs
}

#[test]
fn every_earlier_version_is_the_beginning_of_this_one() {
    let current = parse(GOLDEN);
    let current = by_struct(&current);
    for earlier in EARLIER.iter().map(|(_, golden)| parse(golden)) {
        for (owner, old) in by_struct(&earlier) {
            let new = &current[owner];
            let (old_value, new_value) = (old[0].1, new[0].1);
            // The minor version and the sizes of structs are what may grow.
            let may_grow = owner == "VESTIBULE_ABI_MINOR" || old.len() > 1;
            assert!(old_value == new_value || may_grow && old_value < new_value, "{owner}");
            assert!(
                new[1..].starts_with(&old[1..]),
                "{owner}: a member is new, gone or elsewhere before the end"
            );
        }
    }
}

#[test]
fn the_header_has_the_layout_of_the_golden_file_in_c11() {
    assert!(compile("cc", &["-x", "c", "-std=c11"], "include", "abi-1.2.txt"));
}

#[test]
fn the_header_that_is_kept_of_each_earlier_version_has_the_layout_of_its_golden_file() {
    for (version, _) in EARLIER {
        let include = format!("../../tests/abi_compat/abi-{version}/plugin-abi/include");
        assert!(compile("cc", &["-x", "c", "-std=c11"], &include, &format!("abi-{version}.txt")));
        assert!(
            !compile("cc", &["-x", "c", "-std=c11"], &include, "abi-1.2.txt"),
            "{version}: the comparison compares nothing"
        );
    }
}

#[test]
fn the_header_has_the_layout_of_the_golden_file_in_cpp17() {
    if is_installed("c++") {
        assert!(compile("c++", &["-x", "c++", "-std=c++17"], "include", "abi-1.2.txt"));
    }
}
