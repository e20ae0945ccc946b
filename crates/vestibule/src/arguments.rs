//! The command line.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use vestibule_domain::{
    AuditName, EmailAddress, EmailDomain, OrganizationError, OrganizationId, OrganizationLogin, ProviderName,
    RoleName, ServiceName, UserId, Username, UsernameError,
};

use crate::error::CommandError;
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
    /// Copy a SQLite database to a new file, also while the service runs
    Backup {
        /// The copy; nothing may have that name yet
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
    /// Manage what providers left
    #[command(subcommand)]
    Providers(ProvidersCommand),
    /// Manage the roles that are assigned in the database; a plugin such as `roles` says what a role allows
    #[command(subcommand)]
    Roles(RolesCommand),
    /// Look at permissions
    #[command(subcommand)]
    Permissions(PermissionsCommand),
    /// Look at the audit trail: who did what, and when
    #[command(subcommand)]
    Audit(AuditCommand),
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
    /// Load plugins and their settings anew in the service that runs here, while requests go on
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
    /// End all sessions of one user, or of everybody, for example after an old backup was restored; they may sign in again
    SignOut(SignOutArguments),
    /// End a user's sessions and let them sign in no more
    Disable(UserArgument),
    /// Let a disabled user sign in again
    Enable(UserArgument),
    /// Delete a user with identities, sessions and assigned roles
    Delete(UserArgument),
    /// Take a way to sign in away from a user, with the sessions that came by it. It becomes a user of its own, and no
    /// address of it counts for anything
    #[command(allow_missing_positional = true)]
    Unlink(UnlinkArguments),
}

#[derive(Debug, Args)]
pub(crate) struct UnlinkArguments {
    #[command(flatten)]
    pub(crate) user: UserArgument,
    /// The identity as `users show` has it, such as github:42
    #[arg(value_name = "PROVIDER:SUBJECT", value_parser = ProviderId::parse)]
    pub(crate) identity: ProviderId,
}

/// `provider:subject`.
#[derive(Debug, Clone)]
pub(crate) struct ProviderId {
    pub(crate) provider: ProviderName,
    pub(crate) subject: String,
}

impl ProviderId {
    fn parse(text: &str) -> Result<Self, String> {
        let (provider, subject) = text.split_once(':').unwrap_or((text, ""));
        let provider = ProviderName::parse(provider).map_err(|error| error.to_string())?;
        if subject.is_empty() {
            return Err("expected the provider and the subject there, such as github:42".to_owned());
        }
        Ok(Self { provider, subject: subject.to_owned() })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersCommand {
    /// Remove the identities that a provider left which is not configured any more, or leads to another issuer now
    Forget {
        /// The name that the provider had
        #[arg(value_parser = ProviderName::parse)]
        name: ProviderName,
        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// One user: by exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct UserArgument {
    /// The user's id or username; refused where it may mean two
    user: Option<String>,
    /// The user's id
    #[arg(long, value_parser = UserId::parse)]
    id: Option<UserId>,
    /// The user's username
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    username: Option<Username>,
}

/// One user, or everybody.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SignOutArguments {
    /// The user's id or username; refused where it may mean two
    user: Option<String>,
    /// The user's id
    #[arg(long, value_parser = UserId::parse)]
    id: Option<UserId>,
    /// The user's username
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    username: Option<Username>,
    /// Everybody
    #[arg(long)]
    pub(crate) all: bool,
}

/// One user of whom something is asked: by exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct UserOption {
    /// The user: the id or username; refused where it may mean two
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The user: the id
    #[arg(long, value_parser = UserId::parse)]
    id: Option<UserId>,
    /// The user: the username
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    username: Option<Username>,
}

/// A list of what concerns one user, by one of these, or of all.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct UserFilter {
    /// Only for this user: the id or username; refused where it may mean two
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only for this user: the id, also of one who was deleted
    #[arg(long, value_parser = UserId::parse)]
    id: Option<UserId>,
    /// Only for this user: the username
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    username: Option<Username>,
}

/// How a command line names a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamedUser {
    /// By id or by username, whichever somebody has.
    Either(String),
    Id(UserId),
    Username(Username),
}

macro_rules! names_a_user {
    ($($arguments:ident),+) => {
        $(impl $arguments {
            /// The user that is named, if one is.
            pub(crate) fn named_user(&self) -> Option<NamedUser> {
                let either = self.user.clone().map(NamedUser::Either);
                let id = || self.id.clone().map(NamedUser::Id);
                either.or_else(id).or_else(|| self.username.clone().map(NamedUser::Username))
            }
        })+
    };
}
names_a_user!(UserArgument, SignOutArguments, SubjectArguments, UserOption, UserFilter);

/// Also one that was chosen before it was reserved.
fn parse_username(text: &str) -> Result<Username, UsernameError> {
    Username::from_stored(&text.to_ascii_lowercase())
}

/// A file whose name says how it is written.
fn configuration_file(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    match path.extension().and_then(OsStr::to_str) {
        Some("toml" | "json") => Ok(path),
        _ => Err("the name must end in .toml or .json"),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolesCommand {
    /// Assign a role to a user, or to all whom an address, a domain or an organization means
    Grant(RoleArguments),
    /// Take back a role, named as it was assigned
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
    /// By the statement of this provider alone [default: of any]
    #[arg(long, value_name = "NAME", value_parser = ProviderName::parse)]
    pub(crate) provider: Option<ProviderName>,
    /// Only at this service [default: at every service]; `vestibule` is the service itself
    #[arg(long, value_name = "NAME", value_parser = ServiceName::parse)]
    pub(crate) service: Option<ServiceName>,
}

/// To whom: exactly one of these.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SubjectArguments {
    /// One user: the id or username; refused where it may mean two
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// One user: the id
    #[arg(long, value_parser = UserId::parse)]
    id: Option<UserId>,
    /// One user: the username
    #[arg(long, value_name = "NAME", value_parser = parse_username)]
    username: Option<Username>,
    /// Whoever has verified this address
    #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    pub(crate) email: Option<EmailAddress>,
    /// Whoever has verified an address of this very domain, such as example.org
    #[arg(long, value_parser = EmailDomain::parse)]
    pub(crate) domain: Option<EmailDomain>,
    /// Whoever belongs to this organization at GitHub, where the settings ask for them: its number, or its login if it is the
    /// only one that was ever seen under it
    #[arg(long, value_name = "NUMBER|LOGIN", value_parser = OrganizationArgument::parse)]
    pub(crate) organization: Option<OrganizationArgument>,
}

/// An organization, as the command line names it.
#[derive(Debug, Clone)]
pub(crate) enum OrganizationArgument {
    Number(OrganizationId),
    Login(OrganizationLogin),
}

impl OrganizationArgument {
    fn parse(text: &str) -> Result<Self, OrganizationError> {
        match OrganizationId::parse(text) {
            Some(id) => Ok(Self::Number(id)),
            None => OrganizationLogin::parse(text).map(Self::Login),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List events in the order of time
    List {
        #[command(flatten)]
        user: UserFilter,
        /// Only those of this name, such as `sign_in.refused`
        #[arg(long, value_name = "NAME")]
        event: Option<AuditName>,
        /// Only those of the last while, such as 1h or 7d
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        since: Option<std::time::Duration>,
        /// Print a JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsCommand {
    /// Say what a user may do at a service, and which rules of its plugin say so
    Explain {
        #[command(flatten)]
        user: UserOption,
        /// The service, as clients name it
        #[arg(long, value_name = "NAME", value_parser = ServiceName::parse)]
        service: ServiceName,
    },
}

impl Arguments {
    /// Where the settings of this run come from.
    pub(crate) fn sources(&self) -> Result<Sources, CommandError> {
        let mut sources = Sources::read(self.config.as_deref(), self.dev)?;
        if let Command::Serve(ServeArguments { listen: Some(listen) }) = self.command {
            sources.set_flag("LISTEN", listen.to_string());
        }
        Ok(sources)
    }
}
