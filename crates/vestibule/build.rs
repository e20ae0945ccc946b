//! Packs the sources of the plugin SDK into the program, for `vestibule plugin new`: the SDK is on no registry, and whoever
//! has the program need not have its sources.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The crates that go in, and what of them: tests and golden files stay.
const CRATES: [&str; 2] = ["plugin-abi", "plugin-sdk"];
const PARTS: [&str; 3] = ["src", "include", "build.rs"];

fn main() -> Result<()> {
    let crates = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let workspace = read_manifest(&crates.join("../Cargo.toml"))?;
    let mut files = Vec::new();
    for name in CRATES {
        let folder = crates.join(name);
        let manifest = out.join(format!("{name}.toml"));
        let standalone = standalone(read_manifest(&folder.join("Cargo.toml"))?, &workspace)?;
        fs::write(&manifest, toml::to_string(&standalone)?)?;
        files.push((format!("{name}/Cargo.toml"), manifest));
        for part in PARTS {
            collect(&folder.join(part), &format!("{name}/{part}"), &mut files)?;
        }
    }
    fs::write(out.join("sdk_sources.rs"), as_rust(&files)?)?;
    Ok(())
}

fn read_manifest(file: &Path) -> Result<Table> {
    println!("cargo::rerun-if-changed={}", file.display());
    Ok(fs::read_to_string(file)?.parse()?)
}

/// Adds a file, or all files of a folder, under a name with slashes. What is not there adds nothing.
fn collect(path: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if path.is_dir() {
        println!("cargo::rerun-if-changed={}", path.display());
        let mut entries = fs::read_dir(path)?.collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            collect(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), files)?;
        }
    } else if path.is_file() {
        println!("cargo::rerun-if-changed={}", path.display());
        files.push((name.to_owned(), path.to_owned()));
    }
    Ok(())
}

/// The manifest without what it takes from the workspace, and without what only the workspace needs.
fn standalone(mut manifest: Table, workspace: &Table) -> Result<Table> {
    let shared = workspace.get("workspace").and_then(Value::as_table).ok_or("there is no [workspace]")?;
    for part in ["lints", "dev-dependencies"] {
        manifest.remove(part);
    }
    for part in ["package", "dependencies"] {
        let shared = shared.get(part).and_then(Value::as_table).ok_or("the workspace shares nothing")?;
        let Some(Value::Table(members)) = manifest.get_mut(part) else { continue };
        for (name, value) in members.iter_mut() {
            if value.get("workspace").is_some() {
                *value = inherited(value, shared.get(name).ok_or("the workspace does not share this")?);
            }
        }
    }
    Ok(manifest)
}

/// `{ workspace = true, optional = true }` with what the workspace says. Crates of ours are beside each other.
fn inherited(own: &Value, shared: &Value) -> Value {
    let mut own = own.as_table().cloned().unwrap_or_default();
    own.remove("workspace");
    let mut merged = match shared {
        Value::Table(shared) => shared.clone(),
        plain if own.is_empty() => return plain.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    if let Some(Value::String(path)) = merged.get_mut("path") {
        *path = path.replacen("crates/", "../", 1);
    }
    merged.extend(own);
    Value::Table(merged)
}

fn as_rust(files: &[(String, PathBuf)]) -> Result<String> {
    let mut list = "&[\n".to_owned();
    for (name, path) in files {
        let path = path.canonicalize()?;
        let path = path.to_str().ok_or("the sources are in a folder whose name is not UTF-8")?;
        writeln!(list, "    ({name:?}, include_str!({path:?})),")?;
    }
    list.push(']');
    Ok(list)
}
