//! The command line.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;
use crate::settings::Sources;

/// Federated sign-in and service-scoped permission tokens.
///
/// Settings come from flags, the environment and vestibule.toml, in this order; the README lists them.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The settings file [default: vestibule.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Development: a database under var/, a generated key, a stand-in for the providers, the sample plugins and a
    /// demonstration page. Needs no setting and no network
    #[arg(long, global = true)]
    dev: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service
    Serve(ServeArguments),
    /// Manage the keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Bring the database to the schema of this version
    Migrate,
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
    /// Look at plugins, write a new one
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Manage users
    #[command(subcommand)]
    Users(UsersCommand),
    /// Ask the service on this machine whether it is alive; for container health checks
    Healthcheck,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The address to listen on [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make the first key of an empty folder
    Generate,
    /// Make a new key that signs from now on; the earlier ones go on verifying until their last token has died
    Rotate {
        /// Publish the new key now and let it sign later, for example 1h: for verifiers that keep the key set for long
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        activate_in: Option<std::time::Duration>,
    },
    /// List the keys, and what each is good for
    List,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings, keys and plugins without starting anything
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Say what a plugin is: name, version, what it offers, its configuration
    Inspect {
        /// The shared library
        file: PathBuf,
    },
    /// Try a plugin out: odd input, threads, deadlines, leaks, speed
    Check {
        /// The shared library
        file: PathBuf,
        /// A configuration that the plugin works with, as the file says in TOML or JSON [default: an empty one]
        #[arg(long, value_name = "FILE", value_parser = configuration_file)]
        config: Option<PathBuf>,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// One check, for the command above
    #[command(hide = true)]
    CheckChild,
    /// Let the service that runs here read its settings of plugins again and load what they say; requests go on
    Reload,
    /// Write a new plugin in Rust that works, with its test and the SDK
    New {
        /// The plugin's name, and that of its folder
        name: String,
        /// Where to make the folder [default: here]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List all users
    List,
    /// Show a user with identities and sessions
    Show(UserArgument),
    /// End a user's sessions and let them sign in no more
    Disable(UserArgument),
    /// Let a disabled user sign in again
    Enable(UserArgument),
    /// Delete a user with identities and sessions
    Delete(UserArgument),
}

#[derive(Debug, Args)]
pub(crate) struct UserArgument {
    /// The user's id or username
    pub(crate) user: String,
}

/// A file whose name says how it is written.
fn configuration_file(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    match path.extension().and_then(OsStr::to_str) {
        Some("toml" | "json") => Ok(path),
        _ => Err("the name must end in .toml or .json"),
    }
}

impl Arguments {
    /// Where the settings of this run come from.
    pub(crate) fn sources(&self) -> Result<Sources, Failure> {
        let mut sources = Sources::read(self.config.as_deref(), self.dev)?;
        if let Command::Serve(ServeArguments { listen: Some(listen) }) = self.command {
            sources.set_flag("LISTEN", listen.to_string());
        }
        Ok(sources)
    }
}
