//! `vestibule plugin new`: writes a plugin in Rust that works, for an author to change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vestibule_plugin_host::PluginName;

use crate::commands::support::say;
use crate::error::CommandError;

/// The crate, by the names of its files.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../templates/plugin/Cargo.toml")),
    (".gitignore", include_str!("../../../templates/plugin/gitignore")),
    ("README.md", include_str!("../../../templates/plugin/README.md")),
    ("schema.json", include_str!("../../../templates/plugin/schema.json")),
    ("src/lib.rs", include_str!("../../../templates/plugin/src/lib.rs")),
];

/// The SDK and what it needs of ours, as the build script packed them.
const SDK: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk_sources.rs"));

/// Names that a crate cannot have: keywords of Rust, and crates that the template uses.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde_json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "vestibule_plugin_abi",
    "vestibule_plugin_sdk",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Writes the crate into a new folder of its name, whole or not at all.
pub(crate) fn new(name: &str, parent: Option<&Path>) -> Result<(), CommandError> {
    let name =
        PluginName::parse(name).map_err(|error| CommandError::new(format_args!("{name:?}: {error}")))?;
    let crate_name = name.as_str().replace('-', "_");
    if TAKEN.contains(&crate_name.as_str()) {
        return Err(CommandError::new(format_args!("{name}: a crate of Rust cannot have this name")));
    }
    let folder = parent.unwrap_or(Path::new(".")).join(name.as_str());
    let failed = |error| CommandError::new(format_args!("{}: {error}", folder.display()));
    if !is_free(&folder).map_err(failed)? {
        return Err(CommandError::new(format_args!("{}: is there already", folder.display())));
    }
    write_whole(&folder, name.as_str(), &crate_name).map_err(failed)?;
    say(format_args!(
        "{folder} is a plugin that works. What it does is in src/lib.rs. Next, in that folder:\n\n  \
         cargo test\n  cargo build --release\n  vestibule plugin inspect target/release/lib{crate_name}.so",
        folder = folder.display()
    ))
}

/// Whether the path does not exist, or is an empty folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    match folder.symlink_metadata() {
        Ok(found) if found.is_dir() => Ok(fs::read_dir(folder)?.next().is_none()),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes to a folder beside it, which gets the name when it is complete.
fn write_whole(folder: &Path, name: &str, crate_name: &str) -> io::Result<()> {
    let unfinished = folder.with_file_name(format!(".{name}.{}", std::process::id()));
    fs::create_dir(&unfinished)?;
    let written = write_all(&unfinished, name, crate_name).and_then(|()| fs::rename(&unfinished, folder));
    if written.is_err() {
        // The first error is the one to report.
        drop(fs::remove_dir_all(&unfinished));
    }
    written
}

fn write_all(folder: &Path, name: &str, crate_name: &str) -> io::Result<()> {
    for (file, text) in TEMPLATE {
        let text = text.replace("{{name}}", name).replace("{{crate}}", crate_name);
        write(folder.join(file), &text.replace("{{version}}", env!("CARGO_PKG_VERSION")))?;
    }
    SDK.iter().try_for_each(|(file, text)| write(folder.join("vestibule-sdk").join(file), text))
}

fn write(file: PathBuf, text: &str) -> io::Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, text)
}
