//! `vestibule users`.

use vestibule_domain::{Actor, AuditEvent, AuditName, Clock, SystemClock, User, UserId};
use vestibule_storage::Storage;

use super::database::{DATABASE, open};
use super::find_user::{find_user, whom};
use super::{block_on, say};
use crate::arguments::{SignOutArguments, UsersCommand};
use crate::failure::Failure;
use crate::settings::{Settings, Sources};

const PAGE: u32 = 500;

pub(crate) fn users(sources: &Sources, command: &UsersCommand) -> Result<(), Failure> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        match command {
            UsersCommand::List => list(&storage).await,
            UsersCommand::Show(argument) => {
                show(&storage, &find_user(&storage, argument.named_user()).await?).await
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
        }
    })
}

async fn list(storage: &Storage) -> Result<(), Failure> {
    let mut after: Option<UserId> = None;
    loop {
        let users = storage.list_users(after.as_ref(), PAGE).await.map_err(Failure::while_doing(DATABASE))?;
        users.iter().try_for_each(|user| say(line(user)))?;
        match users.last() {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok(()),
        }
    }
}

/// Id, username, address, first sign-in, and whether the user is disabled.
fn line(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", |name| name.as_str());
    let email = user.email.as_ref().map_or("-", |email| email.as_str());
    let disabled = if user.disabled_at.is_some() { "  disabled" } else { "" };
    format!("{}  {username}  {email}  {}{disabled}", user.id, user.join_date)
}

async fn show(storage: &Storage, user: &User) -> Result<(), Failure> {
    say(format_args!("id        {}", user.id))?;
    say(format_args!("username  {}", user.username.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("name      {}", user.name.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("email     {}", user.email.as_ref().map_or("-", |email| email.as_str())))?;
    say(format_args!("joined    {}", user.join_date))?;
    if let Some(since) = user.disabled_at {
        say(format_args!("disabled  {since}"))?;
    }
    for identity in storage.list_identities(&user.id).await.map_err(Failure::while_doing(DATABASE))? {
        let login = identity.login.as_deref().unwrap_or("-");
        say(format_args!(
            "identity  {} {} {login} {}",
            identity.issuer, identity.subject, identity.last_used_at
        ))?;
    }
    for session in
        storage.list_sessions(&user.id, SystemClock.now()).await.map_err(Failure::while_doing(DATABASE))?
    {
        let (created, expires) = (session.created_at, session.expires_at);
        say(format_args!("session   {} by {} from {created} to {expires}", session.id, session.provider_id))?;
    }
    Ok(())
}

async fn sign_out(storage: &Storage, arguments: &SignOutArguments) -> Result<(), Failure> {
    if arguments.all {
        return sign_out_everybody(storage).await;
    }
    let user = find_user(storage, arguments.named_user()).await?;
    let storage = telling(storage, AuditName::AllSessionsEnded, &user);
    let ended = storage.revoke_all_sessions(&user.id, SystemClock.now()).await;
    let ended = ended.map_err(Failure::while_doing(DATABASE))?;
    say(format_args!("{}: signed out; sessions that ended: {ended}", whom(&user)))
}

async fn sign_out_everybody(storage: &Storage) -> Result<(), Failure> {
    let event = AuditEvent::new(AuditName::AllSessionsEnded, Actor::Operator, SystemClock.now());
    // First, because it takes more than one transaction: what was begun is told of, whatever comes in between.
    let told = storage.record_audit_event(&event.with("whose", "everybody")).await;
    told.map_err(Failure::while_doing(DATABASE))?;
    let users = storage.revoke_everything(SystemClock.now()).await.map_err(Failure::while_doing(DATABASE))?;
    say(format_args!("users whose sessions are over: {users}"))
}

async fn disable(storage: &Storage, user: &User) -> Result<(), Failure> {
    let storage = telling(storage, AuditName::UserDisabled, user);
    storage.disable_user(&user.id, SystemClock.now()).await.map_err(Failure::while_doing(DATABASE))?;
    say(format_args!("{}: disabled; all sessions are over", whom(user)))
}

async fn enable(storage: &Storage, user: &User) -> Result<(), Failure> {
    let storage = telling(storage, AuditName::UserEnabled, user);
    storage.enable_user(&user.id).await.map_err(Failure::while_doing(DATABASE))?;
    say(format_args!("{}: enabled", whom(user)))
}

async fn delete(storage: &Storage, user: &User) -> Result<(), Failure> {
    let storage = telling(storage, AuditName::UserDeleted, user);
    storage.delete_user(&user.id).await.map_err(Failure::while_doing(DATABASE))?;
    say(format_args!("{}: deleted, with identities, sessions and roles", whom(user)))
}

fn telling(storage: &Storage, name: AuditName, user: &User) -> Storage {
    storage.telling(AuditEvent::new(name, Actor::Operator, SystemClock.now()).about(&user.id))
}
