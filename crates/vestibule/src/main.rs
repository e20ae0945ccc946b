//! The program: commands, settings, and the wiring of the rooms.
//!
//! **Owns** what belongs to a process: arguments, environment, files, signals, listeners, exit status. **Does not own**
//! any behaviour of the service itself.
//!
//! To add a command: a variant in [`arguments`], a file in `commands/`, a line in [`run`]. To add a setting: a row
//! in `settings/table.rs`, and its reading where its crate is configured.

mod arguments;
mod commands;
mod error;
mod logging;
mod preflight;
mod redirect_uris;
mod serve;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use error::CommandError;

fn main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::FAILURE
        }
    }
}

/// INVARIANT: the first two lines come before everything else, for every command. From then on no other process of this user can read
/// the memory of this one, and no child has been started before.
fn begin() -> Result<(), CommandError> {
    vestibule_plugin_host::disable_dumping().map_err(CommandError::while_doing("prctl(PR_SET_DUMPABLE)"))?;
    settings::take_environment()?;
    if std::env::args_os().nth(1).is_some_and(|argument| argument == serve::PLUGIN_PROCESS) {
        vestibule_plugin_host::run_plugin_process();
    }
    run(&Arguments::parse())
}

fn run(arguments: &Arguments) -> Result<(), CommandError> {
    match &arguments.command {
        Command::Openapi => commands::print_openapi(),
        Command::Plugin(command) => commands::plugin(command, || arguments.sources()),
        Command::Keys(command) => commands::keys(&arguments.sources()?, *command),
        Command::Doctor(doctor) => commands::doctor(arguments.sources_with_mistakes(), doctor.json),
        Command::Healthcheck => commands::healthcheck(&arguments.sources()?),
        Command::Serve(_) => serve::run(&arguments.sources()?),
        Command::Migrate => commands::migrate(&arguments.sources()?),
        Command::Backup { file } => commands::backup(&arguments.sources()?, file),
        Command::Config(command) => commands::config(&arguments.sources()?, command),
        Command::Providers(command) => commands::providers(&arguments.sources()?, command),
        Command::Roles(command) => commands::roles(&arguments.sources()?, command),
        Command::Tokens(command) => commands::tokens(&arguments.sources()?, command),
        Command::Grants(command) => commands::grants(&arguments.sources()?, command),
        Command::RoleAccounts(command) => commands::role_accounts(&arguments.sources()?, command),
        Command::Permissions(command) => commands::permissions(&arguments.sources()?, command),
        Command::Audit(command) => commands::audit(&arguments.sources()?, command),
        Command::Users(command) => commands::users(&arguments.sources()?, command),
    }
}
