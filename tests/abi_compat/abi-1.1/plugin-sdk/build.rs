//! Notes which compiler builds the plugin, and for which machine, for `vestibule plugin inspect`.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::env;
use std::process::Command;

fn main() {
    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=SDK_BUILD_TARGET={target}");
    println!("cargo::rustc-env=SDK_BUILD_COMPILER={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
