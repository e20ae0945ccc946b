//! `vestibule grants`.

use clap::{Args, Subcommand};
use vestibule_domain::GrantId;

use super::users::{UserFilter, UserOption};

#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List what a person lent to programs
    List {
        #[command(flatten)]
        user: UserOption,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// End what was lent, with all tokens of it: some grants by their ids, or all of a person
    Revoke(GrantRevokeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct GrantRevokeArguments {
    /// The ids of the grants
    #[arg(
        value_name = "ID",
        value_parser = GrantId::parse,
        required_unless_present = "all",
        conflicts_with_all = ["all", "UserFilter"]
    )]
    pub(crate) grants: Vec<GrantId>,
    #[command(flatten)]
    pub(crate) user: UserFilter,
    /// All grants of the person
    #[arg(long, requires = "UserFilter")]
    pub(crate) all: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}
