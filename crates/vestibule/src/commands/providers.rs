//! `vestibule providers`.

use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, ProviderName, SystemClock};
use vestibule_storage::{OrphanedIdentities, Storage};

use super::database::{DATABASE, open_people};
use super::support::{block_on, say};
use crate::arguments::ProvidersCommand;
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn providers(sources: &Sources, command: &ProvidersCommand) -> Result<(), CommandError> {
    let ProvidersCommand::Forget { name, dry_run } = command;
    let people = Settings::read_people(sources)?;
    // Without the settings of the service, all identities would look as if they were left behind.
    if people.providers.iter().next().is_none() {
        return Err(CommandError::new(
            "no provider is configured: run this with the settings of the service, which say what is left behind",
        ));
    }
    block_on(async { forget(&open_people(&people, sources.dev()).await?, name, *dry_run).await })
}

/// Prints what it removes before it removes it.
async fn forget(storage: &Storage, name: &ProviderName, dry_run: bool) -> Result<(), CommandError> {
    let failed = || CommandError::while_doing(DATABASE);
    let left = storage.list_orphaned_identities().await.map_err(failed())?;
    let left: Vec<_> = left.into_iter().filter(|left| left.provider == name.as_str()).collect();
    if left.is_empty() {
        return Err(CommandError::new(format_args!(
            "{name}: it has left nothing: all its identities are of an issuer that is configured"
        )));
    }
    for OrphanedIdentities { issuer, identities, .. } in &left {
        say(format_args!("{name}: identities of {issuer}: {identities}"))?;
    }
    let stranded = storage.count_users_without_another_identity(name).await.map_err(failed())?;
    say(format_args!("{name}: users who have no other way to sign in, and stay: {stranded}"))?;
    if dry_run {
        return say(format_args!("{name}: nothing is removed"));
    }
    record(storage, name, &left).await?;
    let forgotten = storage.remove_orphaned_identities(name, SystemClock.now()).await.map_err(failed())?;
    say(format_args!(
        "{name}: removed; identities: {}, sessions that ended: {}",
        forgotten.identities, forgotten.sessions
    ))
}

/// Recorded first, because the change takes more than one transaction and may be interrupted.
async fn record(
    storage: &Storage,
    name: &ProviderName,
    left: &[OrphanedIdentities],
) -> Result<(), CommandError> {
    let identities: u64 = left.iter().map(|left| left.identities).sum();
    let event = AuditEvent::new(AuditName::ProviderForgotten, Actor::Operator, SystemClock.now());
    let event = event.at_provider(name.as_str()).with_detail("identities", identities);
    storage.record_audit_event(&event).await.map_err(CommandError::while_doing(DATABASE))
}
