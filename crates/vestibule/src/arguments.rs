//! The command line.

mod grants;
mod role_accounts;
mod tokens;
mod users;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use vestibule_domain::{AuditName, ProviderName, RoleName, ServiceName};

use crate::error::CommandError;
use crate::settings::table::LISTEN;
use crate::settings::{self, Sources};

pub(crate) use grants::{GrantRevokeArguments, GrantsCommand};
pub(crate) use role_accounts::{
    RoleAccountsCommand, RoleTokenCommand, RoleTokenCreateArguments, RoleTokenUpdateArguments,
};
pub(crate) use tokens::{RevokeArguments, TokensCommand};
pub(crate) use users::{SignOutArguments, SubjectArguments, UserArgument, UserFilter, UserOption};
pub(crate) use values::ProviderId;

use values::parse_configuration_file;

/// Federated sign-in and service-scoped permission tokens.
///
/// Settings come from flags, the environment and vestibule.toml, in this order; `vestibule serve --help` lists them.
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
    #[command(after_long_help = settings::help())]
    Serve(ServeArguments),
    /// Manage the keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Bring the database to the schema of this version
    Migrate,
    /// Copy a SQLite database to a new file, also while the service runs
    Backup {
        /// The copy; the file must not exist yet
        file: PathBuf,
    },
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
    /// Look at plugins, try them out, write a new one, reload those of a service
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Manage users
    #[command(subcommand)]
    Users(UsersCommand),
    /// Manage what removed providers left behind
    #[command(subcommand)]
    Providers(ProvidersCommand),
    /// Manage the roles that are assigned in the database; a plugin such as `roles` decides what a role allows
    #[command(subcommand)]
    Roles(RolesCommand),
    /// Manage the tokens that people made for their programs, and those of role accounts
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Look at what people lent to programs of their own, and end it
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Manage role accounts, as which programs act, and their tokens
    #[command(subcommand)]
    RoleAccounts(RoleAccountsCommand),
    /// Look at permissions
    #[command(subcommand)]
    Permissions(PermissionsCommand),
    /// Look at the audit trail: who did what and when
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look at all that a service needs, also at the providers and the database, and say what to mend. Changes nothing
    Doctor(DoctorArguments),
    /// Ask the service on this machine whether it is alive: for health checks
    Healthcheck,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[arg(long, value_name = "ADDR", value_parser = settings::parse_listener, help = settings::help_of(&LISTEN))]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) serve: ServeArguments,
    /// Print a list of objects in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make the first key of an empty folder
    Generate,
    /// Make a new key that signs from now on; earlier keys verify until their tokens expire
    Rotate {
        /// Publish the new key now and let it sign later, for example 1h: for verifiers that cache the key set for long
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        activate_in: Option<std::time::Duration>,
    },
    /// List the keys, and what each is used for
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings, keys and plugins without starting anything
    Check,
    /// Print a document with its tables of settings written anew, for docs/settings.md
    #[command(hide = true)]
    Document { file: PathBuf },
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
        /// A file in TOML or JSON with a configuration that the plugin works with [default: an empty one]
        #[arg(long, value_name = "FILE", value_parser = parse_configuration_file)]
        config: Option<PathBuf>,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Run one check, for the command above
    #[command(hide = true)]
    CheckChild,
    /// Reload the plugins and their settings in the service that runs here, while requests go on
    Reload,
    /// Print the header of the interface in C, `vestibule_plugin.h`
    Header,
    /// Write a new plugin in Rust that works, with its test and the SDK
    New {
        /// The name of the plugin and of its folder
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
    /// End all sessions of one user, or sessions and tokens of all after restoring an old backup; they may sign in again
    SignOut(SignOutArguments),
    /// End a person's sessions and tokens and refuse sign-ins, or stop a role account
    Disable(DisableArguments),
    /// Let a disabled person sign in again, or a role account act again
    Enable(UserArgument),
    /// Delete a user with identities, sessions, tokens and assigned roles
    Delete(UserArgument),
    /// Remove a way to sign in from a user, with the sessions that came by it. It becomes a user of its own, and none of its
    /// addresses counts
    #[command(allow_missing_positional = true)]
    Unlink(UnlinkArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DisableArguments {
    #[command(flatten)]
    pub(crate) user: UserArgument,
    /// Revoke the tokens of role accounts that this person made as well
    #[arg(long)]
    pub(crate) with_role_tokens: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnlinkArguments {
    #[command(flatten)]
    pub(crate) user: UserArgument,
    /// The identity as `users show` prints it, such as github:42
    #[arg(value_name = "PROVIDER:SUBJECT", value_parser = ProviderId::parse)]
    pub(crate) identity: ProviderId,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersCommand {
    /// Remove the identities of a provider that is not configured any more, or that leads to another issuer now
    Forget {
        /// The name that the provider had
        #[arg(value_parser = ProviderName::parse)]
        name: ProviderName,
        /// Print what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolesCommand {
    /// Assign a role to a user, or to all people of an address, a domain or an organization
    Grant(RoleArguments),
    /// Revoke a role, named as it was assigned
    Revoke(RoleArguments),
    /// List the assigned roles
    List(UserFilter),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RoleArguments {
    /// The role, such as Writer
    #[arg(long, value_parser = RoleName::parse)]
    pub(crate) role: RoleName,
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    /// Only by the statement of this provider [default: of any provider]
    #[arg(long, value_name = "NAME", value_parser = ProviderName::parse)]
    pub(crate) provider: Option<ProviderName>,
    /// Only at this service [default: at every service]; `vestibule` is the service itself
    #[arg(long, value_name = "NAME", value_parser = ServiceName::parse)]
    pub(crate) service: Option<ServiceName>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List events in the order of time; `--id` also finds those of a deleted user
    List {
        #[command(flatten)]
        user: UserFilter,
        /// Only events of this name, such as `sign_in.refused`
        #[arg(long, value_name = "NAME")]
        event: Option<AuditName>,
        /// Only events of this last period, such as 1h or 7d
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        since: Option<std::time::Duration>,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsCommand {
    /// Explain what a user may do at a service, and by which rules of its plugin
    Explain {
        #[command(flatten)]
        user: UserOption,
        /// The service, by the name that clients use
        #[arg(long, value_name = "NAME", value_parser = ServiceName::parse)]
        service: ServiceName,
    },
}

impl Arguments {
    /// Where the settings of this run come from.
    pub(crate) fn sources(&self) -> Result<Sources, CommandError> {
        Ok(self.with_flags(Sources::read(self.config.as_deref(), self.dev)?))
    }

    /// The same where the settings file may have mistakes, with them.
    pub(crate) fn sources_with_mistakes(&self) -> Result<(Sources, Vec<String>), CommandError> {
        let (sources, mistakes) = Sources::read_with_mistakes(self.config.as_deref(), self.dev)?;
        Ok((self.with_flags(sources), mistakes))
    }

    fn with_flags(&self, mut sources: Sources) -> Sources {
        if let Command::Serve(ServeArguments { listen: Some(listen) })
        | Command::Doctor(DoctorArguments { serve: ServeArguments { listen: Some(listen) }, .. }) =
            self.command
        {
            sources.set_flag(LISTEN.name(), listen.to_string());
        }
        sources
    }
}
