//! `vestibule role-accounts token`.

use vestibule_domain::Clock as _;
use vestibule_domain::{
    ApiTokenChanges, LentLimits, Metadata, Scopes, ServiceName, Services, SystemClock, SystemRandom,
};
use vestibule_flows::{Administration, RotationRequest, TokenRequest, TokenTerms};

use super::super::administration::administer;
use super::super::database::open;
use super::super::support::block_on;
use super::super::tokens::revoke_one;
use super::super::tokens::shown::{say_made, say_token, say_tokens};
use super::find_account;
use crate::arguments::{RoleTokenCommand, RoleTokenCreateArguments, RoleTokenUpdateArguments};
use crate::error::CommandError;
use crate::settings::{Settings, Sources, TokenSettings};

pub(super) fn role_tokens(sources: &Sources, command: &RoleTokenCommand) -> Result<(), CommandError> {
    match command {
        RoleTokenCommand::Create(_) | RoleTokenCommand::Rotate { .. } => make(sources, command),
        RoleTokenCommand::List { .. } | RoleTokenCommand::Update(_) | RoleTokenCommand::Revoke { .. } => {
            manage(sources, command)
        }
    }
}

/// What makes a token needs the settings of services and tokens.
fn make(sources: &Sources, command: &RoleTokenCommand) -> Result<(), CommandError> {
    let TokenSettings { database, rules, services } = Settings::read_tokens(sources)?;
    let is_service = |name: &ServiceName| services.contains(name);
    let terms = TokenTerms { rules: &rules, is_service: &is_service, randomness: &SystemRandom };
    block_on(async {
        let storage = open(&database, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            RoleTokenCommand::Create(arguments) => create(&admin, &terms, arguments).await,
            RoleTokenCommand::Rotate { id, overlap, expires_in, json } => {
                let request = RotationRequest { overlap: *overlap, life: *expires_in };
                say_made(&admin.rotate_role_token(&terms, id, request).await?, *json)
            }
            _ => Ok(()),
        }
    })
}

/// What only takes away must work whatever the settings of services say.
fn manage(sources: &Sources, command: &RoleTokenCommand) -> Result<(), CommandError> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        let admin = administer(&storage);
        match command {
            RoleTokenCommand::List { username, json } => {
                let account = find_account(&admin, username).await?;
                say_tokens(&admin.list_tokens(&account.user).await?, *json)
            }
            RoleTokenCommand::Update(arguments) => update(&admin, arguments).await,
            RoleTokenCommand::Revoke { id, json } => {
                let token = admin.find_role_token(id).await?;
                revoke_one(&admin, &token, *json).await
            }
            _ => Ok(()),
        }
    })
}

async fn create(
    admin: &Administration<'_>,
    terms: &TokenTerms<'_>,
    arguments: &RoleTokenCreateArguments,
) -> Result<(), CommandError> {
    let account = find_account(admin, &arguments.username).await?;
    let request = TokenRequest {
        name: arguments.name.clone(),
        limits: LentLimits {
            services: read_services(&arguments.services)?,
            scopes: read_scopes(&arguments.scopes)?,
        },
        metadata: Metadata::default(),
        life: arguments.expires_in.unwrap_or_default(),
    };
    say_made(&admin.create_role_token(terms, &account, request).await?, arguments.json)
}

async fn update(
    admin: &Administration<'_>,
    arguments: &RoleTokenUpdateArguments,
) -> Result<(), CommandError> {
    let changes = ApiTokenChanges {
        services: arguments.services.as_deref().map(read_services).transpose()?,
        scopes: arguments.scopes.as_deref().map(read_scopes).transpose()?,
        expires_at: arguments.expires_in.map(|life| SystemClock.now().plus(life)),
        ..ApiTokenChanges::default()
    };
    say_token(&admin.change_role_token(&arguments.id, &changes).await?, arguments.json)
}

fn read_services(names: &[String]) -> Result<Services, CommandError> {
    Services::from_names(names.iter().map(String::as_str)).map_err(CommandError::while_doing("--service"))
}

fn read_scopes(words: &[String]) -> Result<Scopes, CommandError> {
    Scopes::from_words(words.iter().map(String::as_str)).map_err(CommandError::while_doing("--scope"))
}
