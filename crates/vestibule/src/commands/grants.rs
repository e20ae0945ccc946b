//! `vestibule grants`.

use serde_json::json;
use vestibule_domain::{Grant, Scope, SessionId};
use vestibule_flows::{AdminError, Administration};

use super::administration::{administer, find_user};
use super::database::open;
use super::support::{block_on, or_none, say};
use crate::arguments::{GrantRevokeArguments, GrantsCommand};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn grants(sources: &Sources, command: &GrantsCommand) -> Result<(), CommandError> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            GrantsCommand::List { user, json } => {
                let user = find_user(&admin, user.named_user()).await?;
                admin.list_grants(&user).await?.iter().try_for_each(|grant| say_grant(grant, *json))
            }
            GrantsCommand::Revoke(arguments) => revoke(&admin, arguments).await,
        }
    })
}

async fn revoke(admin: &Administration<'_>, arguments: &GrantRevokeArguments) -> Result<(), CommandError> {
    if arguments.all {
        let user = find_user(admin, arguments.user.named_user()).await?;
        for grant in admin.list_grants(&user).await? {
            revoke_one(admin, &grant, arguments.json).await?;
        }
        return Ok(());
    }
    let mut unknown = Vec::new();
    for id in &arguments.grants {
        match admin.find_grant(id).await {
            Ok(grant) => revoke_one(admin, &grant, arguments.json).await?,
            Err(error @ AdminError::UnknownGrant(_)) => unknown.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(CommandError::from_texts(unknown)) }
}

/// Ends one, and says so; also of one that ended meanwhile, since it is over either way.
pub(super) async fn revoke_one(
    admin: &Administration<'_>,
    grant: &Grant,
    as_json: bool,
) -> Result<(), CommandError> {
    admin.revoke_grant(grant).await?;
    if as_json {
        return say(json!({"grant": grant.id.as_str(), "revoked": true}));
    }
    say(format_args!("{} ({}) of {}: what was lent is revoked", grant.id, grant.client_name, grant.user_id))
}

fn say_grant(grant: &Grant, as_json: bool) -> Result<(), CommandError> {
    if as_json {
        return say(json!({
            "id": grant.id.as_str(),
            "client_name": grant.client_name.as_str(),
            "services": grant.limits.services.words(),
            "scopes": grant.limits.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
            "session": grant.session_id.as_ref().map(SessionId::as_str),
            "created_at": grant.created_at.to_rfc3339(),
            "last_used_at": grant.last_used_at.to_rfc3339(),
            "expires_at": grant.expires_at.to_rfc3339(),
            "user_agent": grant.user_agent,
            "ip": grant.ip,
        }));
    }
    say(format_args!(
        "{}  {}  services={}  scopes={}  ends={}  used={}",
        grant.id,
        grant.client_name,
        or_none(&grant.limits.services.to_string()),
        or_none(&grant.limits.scopes.to_string()),
        grant.expires_at.to_rfc3339(),
        grant.last_used_at.to_rfc3339(),
    ))
}
