//! `vestibule tokens`.

use clap::{Args, Subcommand};
use vestibule_domain::ApiTokenId;

use super::users::{UserFilter, UserOption};

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List the living tokens of a user
    List {
        #[command(flatten)]
        user: UserOption,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Revoke tokens: some by their ids, all of a user, or whatever is found in a text
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    /// The ids of the tokens
    #[arg(
        value_name = "ID",
        value_parser = ApiTokenId::parse,
        required_unless_present_any = ["all", "stdin"],
        conflicts_with_all = ["all", "stdin", "UserFilter"]
    )]
    pub(crate) tokens: Vec<ApiTokenId>,
    #[command(flatten)]
    pub(crate) user: UserFilter,
    /// All tokens of the user
    #[arg(long, requires = "UserFilter", conflicts_with = "stdin")]
    pub(crate) all: bool,
    /// Every token that stands somewhere on standard input, such as a log that has leaked
    #[arg(long, conflicts_with = "UserFilter")]
    pub(crate) stdin: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}
