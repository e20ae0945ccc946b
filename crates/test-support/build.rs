//! Compiles the libraries that stand in front of the C library of a program under test: `CLOCK_SHIM` and `DISK_SHIM` tell
//! the crate where they are.

use std::env::var_os;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    write_line("cargo::rerun-if-env-changed=CC")?;
    compile("clock_shim", "CLOCK_SHIM")?;
    compile("disk_shim", "DISK_SHIM")
}

fn compile(name: &str, variable: &str) -> Outcome {
    let (source, library) = (format!("{name}.c"), format!("lib{name}.so"));
    let library = PathBuf::from(var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join(library);
    let compiler = var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", &source, "-o"])
        .arg(&library)
        .status()
        .map_err(|error| format!("the C compiler {} cannot be run: {error}", compiler.display()))?;
    if !status.success() {
        return Err(format!("{source} does not compile").into());
    }
    write_line(&format!("cargo::rerun-if-changed={source}"))?;
    write_line(&format!("cargo::rustc-env={variable}={}", library.display()))
}

/// Cargo reads the instructions of a build script from its output.
fn write_line(instruction: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{instruction}")?)
}
