//! Compiles the library that moves the clock of a program under test; `CLOCK_SHIM` tells the crate where it is.

use std::env::var_os;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out_dir = PathBuf::from(var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let library = out_dir.join("libclock_shim.so");
    let compiler = var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "clock_shim.c", "-o"])
        .arg(&library)
        .status()
        .map_err(|error| format!("the C compiler {} cannot be run: {error}", compiler.display()))?;
    if !status.success() {
        return Err("clock_shim.c does not compile".into());
    }
    write_line("cargo::rerun-if-changed=clock_shim.c")?;
    write_line("cargo::rerun-if-env-changed=CC")?;
    write_line(&format!("cargo::rustc-env=CLOCK_SHIM={}", library.display()))
}

/// Cargo reads the instructions of a build script from its output.
fn write_line(instruction: &str) -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write as _;
    Ok(writeln!(std::io::stdout(), "{instruction}")?)
}
