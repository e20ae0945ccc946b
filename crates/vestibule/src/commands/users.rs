//! `vestibule users`.

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock, ConfiguredProviders, EmailAddress, IdentityKey, SystemClock, User,
    UserId,
};
use vestibule_storage::{Identity, Storage, Unlinking};

use super::database::{DATABASE, open_people};
use super::find_user::{describe_user, find_user};
use super::support::{block_on, say};
use crate::arguments::{ProviderId, SignOutArguments, UnlinkArguments, UsersCommand};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

const PAGE: u32 = 500;

pub(crate) fn users(sources: &Sources, command: &UsersCommand) -> Result<(), CommandError> {
    // Commands that end access must work without the settings of the providers.
    let people = match command {
        UsersCommand::List | UsersCommand::Show(_) | UsersCommand::Unlink(_) => {
            Settings::read_people(sources)?
        }
        _ => Settings::read_database(sources)?.into(),
    };
    block_on(async {
        let storage = open_people(&people, sources.dev()).await?;
        match command {
            UsersCommand::List => list(&storage).await,
            UsersCommand::Show(argument) => {
                show(&storage, &people.providers, &find_user(&storage, argument.named_user()).await?).await
            }
            UsersCommand::SignOut(arguments) => sign_out(&storage, arguments).await,
            UsersCommand::Disable(argument) => {
                disable(&storage, &find_user(&storage, argument.named_user()).await?).await
            }
            UsersCommand::Enable(argument) => {
                enable(&storage, &find_user(&storage, argument.named_user()).await?).await
            }
            UsersCommand::Delete(argument) => {
                delete(&storage, &find_user(&storage, argument.named_user()).await?).await
            }
            UsersCommand::Unlink(UnlinkArguments { user, identity }) => {
                let user = find_user(&storage, user.named_user()).await?;
                unlink(&storage, &people.providers, &user, identity).await
            }
        }
    })
}

async fn list(storage: &Storage) -> Result<(), CommandError> {
    let mut after: Option<UserId> = None;
    loop {
        let users =
            storage.list_users(after.as_ref(), PAGE).await.map_err(CommandError::while_doing(DATABASE))?;
        users.iter().try_for_each(|user| say(describe_line(user)))?;
        match users.last() {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok(()),
        }
    }
}

/// Id, username, address, first sign-in, and whether the user is disabled.
fn describe_line(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", |name| name.as_str());
    let email = user.email.as_ref().map_or("-", |email| email.as_str());
    let disabled = if user.disabled_at.is_some() { "  disabled" } else { "" };
    format!("{}  {username}  {email}  {}{disabled}", user.id, user.join_date)
}

async fn show(storage: &Storage, providers: &ConfiguredProviders, user: &User) -> Result<(), CommandError> {
    say(format_args!("id        {}", user.id))?;
    say(format_args!("username  {}", user.username.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("name      {}", user.name.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("email     {}", user.email.as_ref().map_or("-", |email| email.as_str())))?;
    say(format_args!("joined    {}", user.join_date))?;
    if let Some(since) = user.disabled_at {
        say(format_args!("disabled  {since}"))?;
    }
    for identity in storage.list_identities(&user.id).await.map_err(CommandError::while_doing(DATABASE))? {
        say(format_args!("identity  {}", describe_identity(&identity, providers)))?;
    }
    for session in storage
        .list_sessions(&user.id, SystemClock.now())
        .await
        .map_err(CommandError::while_doing(DATABASE))?
    {
        let (created, expires) = (session.created_at, session.expires_at);
        say(format_args!("session   {} by {} from {created} to {expires}", session.id, session.provider_id))?;
    }
    Ok(())
}

/// Issuer, subject, login and last use; then its name, its address, and a remark if one of these does not count.
fn describe_identity(identity: &Identity, providers: &ConfiguredProviders) -> String {
    let Identity { issuer, subject, provider, last_used_at, .. } = identity;
    let login = identity.login.as_deref().unwrap_or("-");
    let email = identity.email.as_deref().unwrap_or("-");
    let address = identity.email.as_deref().and_then(|text| EmailAddress::parse(text).ok());
    let counts =
        |address: &EmailAddress| identity.email_verified && providers.trusts_email(provider, issuer, address);
    let remark = match &address {
        _ if !providers.trusts_identity(provider, issuer) => {
            ", counts for nothing: its provider is not configured"
        }
        Some(address) if !counts(address) => ", which does not count",
        _ => "",
    };
    format!("{issuer} {subject} {login} {last_used_at} {provider}:{subject} {email}{remark}")
}

async fn unlink(
    storage: &Storage,
    providers: &ConfiguredProviders,
    user: &User,
    id: &ProviderId,
) -> Result<(), CommandError> {
    let ProviderId { provider, subject } = id;
    let identities = storage.list_identities(&user.id).await.map_err(CommandError::while_doing(DATABASE))?;
    let fits = |identity: &&Identity| identity.provider == provider.as_str() && identity.subject == *subject;
    let mut fitting: Vec<_> = identities.iter().filter(fits).collect();
    // The issuer that the name leads to now goes before earlier ones.
    fitting.sort_by_key(|identity| !providers.trusts_identity(&identity.provider, &identity.issuer));
    let unknown =
        || CommandError::new(format_args!("{}: has no identity {provider}:{subject}", describe_user(user)));
    let identity = fitting.first().ok_or_else(unknown)?;
    let key = IdentityKey { issuer: identity.issuer.clone(), subject: subject.clone() };
    let event = event(AuditName::IdentityUnlinked, user).at_provider(provider.as_str());
    let outcome = storage.unlink_identity(&user.id, &key, SystemClock.now(), &event).await;
    match outcome.map_err(CommandError::while_doing(DATABASE))? {
        Unlinking::Done { sessions } => say(format_args!(
            "{}: {provider}:{subject} is unlinked; sessions that ended: {sessions}",
            describe_user(user)
        )),
        Unlinking::LastIdentity => Err(CommandError::new(format_args!(
            "{}: {provider}:{subject} is the last way in: no other identity is of a provider that is configured",
            describe_user(user)
        ))),
        Unlinking::Unknown => Err(unknown()),
    }
}

async fn sign_out(storage: &Storage, arguments: &SignOutArguments) -> Result<(), CommandError> {
    if arguments.all {
        return sign_out_all(storage).await;
    }
    let user = find_user(storage, arguments.named_user()).await?;
    let event = event(AuditName::AllSessionsEnded, &user);
    let ended = storage.revoke_all_sessions(&user.id, SystemClock.now(), &event).await;
    let ended = ended.map_err(CommandError::while_doing(DATABASE))?;
    say(format_args!("{}: signed out; sessions that ended: {ended}", describe_user(&user)))
}

async fn sign_out_all(storage: &Storage) -> Result<(), CommandError> {
    let event = AuditEvent::new(AuditName::AllSessionsEnded, Actor::Operator, SystemClock.now());
    // Recorded first, because the change takes more than one transaction and may be interrupted.
    let recorded = storage.record_audit_event(&event.with_detail("whose", "everybody")).await;
    recorded.map_err(CommandError::while_doing(DATABASE))?;
    let users =
        storage.revoke_everything(SystemClock.now()).await.map_err(CommandError::while_doing(DATABASE))?;
    say(format_args!("users whose sessions are over: {users}"))
}

async fn disable(storage: &Storage, user: &User) -> Result<(), CommandError> {
    let event = event(AuditName::UserDisabled, user);
    storage
        .disable_user(&user.id, SystemClock.now(), &event)
        .await
        .map_err(CommandError::while_doing(DATABASE))?;
    say(format_args!("{}: disabled; all sessions are over", describe_user(user)))
}

async fn enable(storage: &Storage, user: &User) -> Result<(), CommandError> {
    let event = event(AuditName::UserEnabled, user);
    storage.enable_user(&user.id, &event).await.map_err(CommandError::while_doing(DATABASE))?;
    say(format_args!("{}: enabled", describe_user(user)))
}

async fn delete(storage: &Storage, user: &User) -> Result<(), CommandError> {
    let event = event(AuditName::UserDeleted, user);
    storage.delete_user(&user.id, &event).await.map_err(CommandError::while_doing(DATABASE))?;
    say(format_args!("{}: deleted, with identities, sessions and roles", describe_user(user)))
}

fn event(name: AuditName, user: &User) -> AuditEvent {
    AuditEvent::new(name, Actor::Operator, SystemClock.now()).for_user(&user.id)
}
