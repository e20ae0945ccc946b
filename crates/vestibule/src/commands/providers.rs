//! `vestibule providers`.

use vestibule_domain::ProviderName;
use vestibule_flows::{Administration, require_configured_provider};
use vestibule_storage::OrphanedIdentities;

use super::administration::administer;
use super::database::open_people;
use super::support::{block_on, say};
use crate::arguments::ProvidersCommand;
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn providers(sources: &Sources, command: &ProvidersCommand) -> Result<(), CommandError> {
    let ProvidersCommand::Forget { name, dry_run } = command;
    let people = Settings::read_people(sources)?;
    // Checked before the database is opened, since nothing can come of it.
    require_configured_provider(&people.providers)?;
    block_on(async {
        let storage = open_people(&people, sources.dev()).await?;
        forget(&administer(&storage), name, *dry_run).await
    })
}

/// Prints what it removes before it removes it.
async fn forget(admin: &Administration<'_>, name: &ProviderName, dry_run: bool) -> Result<(), CommandError> {
    let leftovers = admin.find_leftovers(name).await?;
    for OrphanedIdentities { issuer, identities, .. } in &leftovers.identities {
        say(format_args!("{name}: identities of {issuer}: {identities}"))?;
    }
    let stranded = leftovers.stranded_users;
    say(format_args!("{name}: users who have no other way to sign in, and stay: {stranded}"))?;
    if dry_run {
        return say(format_args!("{name}: nothing is removed"));
    }
    let removed = admin.remove_leftovers(&leftovers).await?;
    let (identities, sessions) = (removed.identities, removed.sessions);
    say(format_args!("{name}: removed; identities: {identities}, sessions that ended: {sessions}"))
}
