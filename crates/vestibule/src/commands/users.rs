//! `vestibule users`.

use vestibule_domain::{User, UserId, UserKind};
use vestibule_flows::{Administration, IdentityDetails, IdentityStanding, describe_user};
use vestibule_storage::Identity;

use super::administration::{administer, find_user};
use super::database::open_people;
use super::support::{block_on, say};
use crate::arguments::{DisableArguments, ProviderId, SignOutArguments, UnlinkArguments, UsersCommand};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

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
        let admin = administer(&storage);
        match command {
            UsersCommand::List => list(&admin).await,
            UsersCommand::Show(argument) => {
                show(&admin, &find_user(&admin, argument.named_user()).await?).await
            }
            UsersCommand::SignOut(arguments) => sign_out(&admin, arguments).await,
            UsersCommand::Disable(arguments) => disable(&admin, arguments).await,
            UsersCommand::Enable(argument) => {
                let user = find_user(&admin, argument.named_user()).await?;
                admin.enable_user(&user).await?;
                say(format_args!("{}: enabled", describe_user(&user)))
            }
            UsersCommand::Delete(argument) => {
                let user = find_user(&admin, argument.named_user()).await?;
                admin.delete_user(&user).await?;
                say(format_args!(
                    "{}: deleted, with identities, sessions, tokens and roles",
                    describe_user(&user)
                ))
            }
            UsersCommand::Unlink(arguments) => unlink(&admin, arguments).await,
        }
    })
}

/// Disables a user. Somebody who made tokens of role accounts knows their texts: these are named, or revoked as well.
async fn disable(admin: &Administration<'_>, arguments: &DisableArguments) -> Result<(), CommandError> {
    let user = find_user(admin, arguments.user.named_user()).await?;
    admin.disable_user(&user).await?;
    let outcome = match user.kind {
        UserKind::Person => "all sessions and tokens are over",
        UserKind::Role => "its tokens wait until it is enabled",
    };
    say(format_args!("{}: disabled; {outcome}", describe_user(&user)))?;
    for token in admin.list_role_tokens_made_by(&user).await? {
        let outcome = if arguments.with_role_tokens {
            admin.revoke_token(&token).await?;
            "is revoked"
        } else {
            "lives on; --with-role-tokens revokes what this person has made"
        };
        say(format_args!(
            "token {} ({}) of the role account {}: {outcome}",
            token.id, token.name, token.user_id
        ))?;
    }
    Ok(())
}

async fn list(admin: &Administration<'_>) -> Result<(), CommandError> {
    let mut after: Option<UserId> = None;
    loop {
        let users = admin.list_users(after.as_ref()).await?;
        users.iter().try_for_each(|user| say(describe_line(user)))?;
        match users.last() {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok(()),
        }
    }
}

/// Id, username, address, first sign-in, and whether the user is a role account or disabled.
fn describe_line(user: &User) -> String {
    let username = user.username.as_ref().map_or("-", |name| name.as_str());
    let email = user.email.as_ref().map_or("-", |email| email.as_str());
    let disabled = if user.disabled_at.is_some() { "  disabled" } else { "" };
    let role = if user.kind == UserKind::Role { "  role account" } else { "" };
    format!("{}  {username}  {email}  {}{role}{disabled}", user.id, user.join_date)
}

async fn show(admin: &Administration<'_>, user: &User) -> Result<(), CommandError> {
    let details = admin.read_user_details(user).await?;
    say(format_args!("id        {}", user.id))?;
    say(format_args!("username  {}", user.username.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("name      {}", user.name.as_ref().map_or("-", |name| name.as_str())))?;
    say(format_args!("email     {}", user.email.as_ref().map_or("-", |email| email.as_str())))?;
    say(format_args!("joined    {}", user.join_date))?;
    if user.kind == UserKind::Role {
        say("kind      role account")?;
    }
    if let Some(since) = user.disabled_at {
        say(format_args!("disabled  {since}"))?;
    }
    for identity in &details.identities {
        say(format_args!("identity  {}", describe_identity(identity)))?;
    }
    for session in &details.sessions {
        let (created, expires) = (session.created_at, session.expires_at);
        say(format_args!("session   {} by {} from {created} to {expires}", session.id, session.provider_id))?;
    }
    Ok(())
}

/// Issuer, subject, login and last use; then its name, its address, and a remark if one of these does not count.
fn describe_identity(details: &IdentityDetails) -> String {
    let Identity { issuer, subject, provider, last_used_at, login, email, .. } = &details.identity;
    let (login, email) = (login.as_deref().unwrap_or("-"), email.as_deref().unwrap_or("-"));
    let remark = match details.standing {
        IdentityStanding::Counts => "",
        IdentityStanding::WithoutEmail => ", which does not count",
        IdentityStanding::Orphaned => ", counts for nothing: its provider is not configured",
    };
    format!("{issuer} {subject} {login} {last_used_at} {provider}:{subject} {email}{remark}")
}

async fn unlink(admin: &Administration<'_>, arguments: &UnlinkArguments) -> Result<(), CommandError> {
    let user = find_user(admin, arguments.user.named_user()).await?;
    let ProviderId { provider, subject } = &arguments.identity;
    let sessions = admin.unlink_identity(&user, provider, subject).await?;
    say(format_args!(
        "{}: {provider}:{subject} is unlinked; sessions that ended: {sessions}",
        describe_user(&user)
    ))
}

async fn sign_out(admin: &Administration<'_>, arguments: &SignOutArguments) -> Result<(), CommandError> {
    if arguments.all {
        let users = admin.sign_out_everybody().await?;
        return say(format_args!("users whose sessions are over: {users}"));
    }
    let user = find_user(admin, arguments.named_user()).await?;
    let ended = admin.sign_out_user(&user).await?;
    say(format_args!("{}: signed out; sessions that ended: {ended}", describe_user(&user)))
}
