//! `vestibule role-accounts`.

use std::time::Duration;

use clap::{Args, Subcommand};
use vestibule_domain::{ApiTokenId, Description, TokenName, Username};
use vestibule_flows::TokenLife;

use super::users::parse_username;

#[derive(Debug, Subcommand)]
pub(crate) enum RoleAccountsCommand {
    /// Make a role account
    Create {
        /// Its username, in the same name space as those of people
        #[arg(value_parser = Username::parse)]
        username: Username,
        /// What it is called
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT", value_parser = Description::parse)]
        description: Option<Description>,
        /// Who may change it and make its tokens: id, username or verified address [default: administrators alone]
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List all role accounts
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Let the tokens of a role account wait until it is enabled
    Disable {
        #[command(flatten)]
        account: AccountArgument,
    },
    /// Let the tokens of a disabled role account count again
    Enable {
        #[command(flatten)]
        account: AccountArgument,
    },
    /// Manage the tokens of role accounts
    #[command(subcommand)]
    Token(RoleTokenCommand),
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgument {
    /// The username of the role account
    #[arg(value_parser = parse_username)]
    pub(crate) username: Username,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleTokenCommand {
    /// Make a token, which is printed once, alone on standard output
    Create(RoleTokenCreateArguments),
    /// List the living tokens of a role account
    List {
        /// The username of the role account
        #[arg(value_parser = parse_username)]
        username: Username,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Let a token lend less or end earlier
    Update(RoleTokenUpdateArguments),
    /// Make the successor of a token, which is printed once, alone on standard output
    Rotate {
        /// The id of the token
        #[arg(value_parser = ApiTokenId::parse)]
        id: ApiTokenId,
        /// For how long both tokens count, at most 7d
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
        overlap: Duration,
        /// How long the successor lives, or never: for ever [default: as long as the token]
        #[arg(long, value_name = "DURATION", value_parser = parse_life)]
        expires_in: Option<TokenLife>,
        /// Print a JSON object, with the token as its member `token`
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        /// The id of the token
        #[arg(value_parser = ApiTokenId::parse)]
        id: ApiTokenId,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RoleTokenCreateArguments {
    /// The username of the role account
    #[arg(value_parser = parse_username)]
    pub(crate) username: Username,
    /// What the token is called
    #[arg(long, value_name = "TEXT", value_parser = TokenName::parse)]
    pub(crate) name: TokenName,
    /// A service at which it may be used, or * for every one; may be repeated [default: none]
    #[arg(long = "service", value_name = "NAME")]
    pub(crate) services: Vec<String>,
    /// A scope that it lends: the name of a permission, `permissions` for all of them, or `profile`, `email`; may be repeated
    /// [default: none]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How long it lives, or never: for ever [default: `TOKEN_DEFAULT_TTL`]
    #[arg(long, value_name = "DURATION", value_parser = parse_life)]
    pub(crate) expires_in: Option<TokenLife>,
    /// Print a JSON object, with the token as its member `token`
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RoleTokenUpdateArguments {
    /// The id of the token
    #[arg(value_parser = ApiTokenId::parse)]
    pub(crate) id: ApiTokenId,
    /// The services that are left; may be repeated [default: as they are]
    #[arg(long = "service", value_name = "NAME")]
    pub(crate) services: Option<Vec<String>>,
    /// The scopes that are left; may be repeated [default: as they are]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Option<Vec<String>>,
    /// How long it lives from now on, no longer than it would [default: as it is]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) expires_in: Option<Duration>,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_life(text: &str) -> Result<TokenLife, humantime::DurationError> {
    if text == "never" { Ok(TokenLife::Never) } else { humantime::parse_duration(text).map(TokenLife::For) }
}
