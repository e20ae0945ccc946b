//! `vestibule roles`.

use vestibule_domain::SystemRandom;
use vestibule_flows::{Administration, NamedUser, RoleRequest};

use super::administration::{administer, find_user};
use super::database::open_people;
use super::support::{block_on, say};
use crate::arguments::{RoleArguments, RolesCommand};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

pub(crate) fn roles(sources: &Sources, command: &RolesCommand) -> Result<(), CommandError> {
    let people = Settings::read_people(sources)?;
    block_on(async {
        let storage = open_people(&people, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            RolesCommand::Grant(arguments) => {
                let granted = admin.grant_role(&SystemRandom, &read_request(arguments)?).await?;
                let outcome = if granted.is_new { "granted" } else { "was granted already" };
                say(format_args!("{}: {outcome}", granted.role))
            }
            RolesCommand::Revoke(arguments) => {
                say(format_args!("{}: revoked", admin.revoke_role(&read_request(arguments)?).await?))
            }
            RolesCommand::List(filter) => list(&admin, filter.named_user()).await,
        }
    })
}

fn read_request(arguments: &RoleArguments) -> Result<RoleRequest, CommandError> {
    let nobody = || CommandError::new("to whom? --user, --email, --domain or --organization says it");
    let subject = arguments.subject.named_subject().ok_or_else(nobody)?;
    let RoleArguments { role, service, provider, .. } = arguments.clone();
    Ok(RoleRequest { role, subject, service, provider })
}

/// Prints all assignments, or those that count for one user.
async fn list(admin: &Administration<'_>, named: Option<NamedUser>) -> Result<(), CommandError> {
    let user = match named {
        None => None,
        named => Some(find_user(admin, named).await?),
    };
    admin.list_roles(user.as_ref()).await?.iter().try_for_each(say)
}
