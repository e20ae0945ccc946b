//! `vestibule role-accounts`.

mod tokens;

use serde_json::{Value, json};
use vestibule_domain::{
    Description, DisplayName, Metadata, RoleAccount, SystemRandom, Timestamp, UserId, Username,
};
use vestibule_flows::{Administration, NamedUser, RoleAccountRequest};

use super::administration::administer;
use super::database::open;
use super::support::{block_on, say};
use crate::arguments::RoleAccountsCommand;
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn role_accounts(sources: &Sources, command: &RoleAccountsCommand) -> Result<(), CommandError> {
    if let RoleAccountsCommand::Token(command) = command {
        return tokens::role_tokens(sources, command);
    }
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            RoleAccountsCommand::Create { username, name, description, owner, json } => {
                let owner = match owner {
                    Some(owner) => Some(admin.find_user(&NamedUser::Either(owner.clone())).await?.id),
                    None => None,
                };
                let request = RoleAccountRequest {
                    username: username.clone(),
                    name: name.as_deref().map(read_name).transpose()?,
                    description: description.clone(),
                    metadata: Metadata::default(),
                    owner,
                };
                say_account(&admin.create_role_account(&SystemRandom, request).await?, *json)
            }
            RoleAccountsCommand::List { json } => {
                admin.list_role_accounts().await?.iter().try_for_each(|account| say_account(account, *json))
            }
            RoleAccountsCommand::Disable { account } => {
                let found = find_account(&admin, &account.username).await?;
                admin.disable_user(&found.user).await?;
                say_account(&find_account(&admin, &account.username).await?, account.json)
            }
            RoleAccountsCommand::Enable { account } => {
                let found = find_account(&admin, &account.username).await?;
                admin.enable_user(&found.user).await?;
                say_account(&find_account(&admin, &account.username).await?, account.json)
            }
            RoleAccountsCommand::Token(_) => Ok(()),
        }
    })
}

/// Finds the role account of this username.
async fn find_account(admin: &Administration<'_>, username: &Username) -> Result<RoleAccount, CommandError> {
    Ok(admin.find_role_account(&NamedUser::Username(username.clone())).await?)
}

fn read_name(text: &str) -> Result<DisplayName, CommandError> {
    DisplayName::clean(text).ok_or_else(|| CommandError::new("--name: no character of it can be seen"))
}

fn say_account(account: &RoleAccount, as_json: bool) -> Result<(), CommandError> {
    if as_json { say(to_json(account)) } else { say(as_text(account)) }
}

/// Id, username, owner, when it was made, and whether it is disabled.
fn as_text(account: &RoleAccount) -> String {
    let user = &account.user;
    let username = user.username.as_ref().map_or("-", Username::as_str);
    let owner = account.owner.as_ref().map_or("-", UserId::as_str);
    let disabled = if user.disabled_at.is_some() { "  disabled" } else { "" };
    format!("{}  {username}  owner={owner}  {}{disabled}", user.id, account.created_at)
}

fn to_json(account: &RoleAccount) -> Value {
    let user = &account.user;
    json!({
        "id": user.id.as_str(),
        "username": user.username.as_ref().map(Username::as_str),
        "name": user.name.as_ref().map(DisplayName::as_str),
        "description": account.description.as_ref().map(Description::as_str),
        "metadata": account.metadata.as_object(),
        "owner": account.owner.as_ref().map(UserId::as_str),
        "disabled_at": user.disabled_at.map(Timestamp::to_rfc3339),
        "created_at": account.created_at.to_rfc3339(),
        "created_by": account.created_by,
    })
}
