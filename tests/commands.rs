//! Every command: what it does, what it says, how it ends.

mod backup;
mod config_check;
mod database;
mod development;
mod files;
mod grants;
mod help;
mod mistakes;
mod naming;
mod plugin;
mod plugin_check;
mod plugin_new;
mod plugin_reload;
mod role_accounts;
mod running;
mod secrets;
mod sources;
mod users;

use std::process::Output;

use vestibule_test_support::{Program, ProgramBuilder};

/// What a command left behind.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }
}

/// Runs a command to its end.
pub(crate) async fn command(program: &ProgramBuilder, arguments: &[&str]) -> Outcome {
    program.run(arguments).await.into()
}

/// A program with one provider, which is the least that it starts with, besides a key.
fn with_github() -> ProgramBuilder {
    Program::builder().setting("GITHUB_KEY", "id").setting("GITHUB_SECRET", "secret")
}

/// The same with a key.
pub(crate) async fn ready_to_start() -> ProgramBuilder {
    let program = with_github();
    assert_eq!(command(&program, &["keys", "generate"]).await.status, Some(0));
    program
}
