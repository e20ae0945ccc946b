//! `vestibule roles`.

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock, RoleAssignment, RoleAssignmentId, RoleSubject, ServiceName,
    SystemClock, SystemRandomness,
};
use vestibule_storage::Storage;

use super::database::{DATABASE, find_user, open};
use super::{block_on, say};
use crate::arguments::{RoleArguments, RolesCommand, SubjectArguments};
use crate::failure::Failure;
use crate::settings::{Settings, Sources};

pub(crate) fn roles(sources: &Sources, command: &RolesCommand) -> Result<(), Failure> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        match command {
            RolesCommand::Grant(arguments) => grant(&storage, &assignment(&storage, arguments).await?).await,
            RolesCommand::Revoke(arguments) => {
                revoke(&storage, &assignment(&storage, arguments).await?).await
            }
            RolesCommand::List { user } => list(&storage, user.as_deref()).await,
        }
    })
}

async fn assignment(storage: &Storage, arguments: &RoleArguments) -> Result<RoleAssignment, Failure> {
    let subject = subject(storage, &arguments.subject).await?;
    Ok(RoleAssignment { role: arguments.role.clone(), subject, service: arguments.service.clone() })
}

/// The one subject that the command line names.
async fn subject(storage: &Storage, arguments: &SubjectArguments) -> Result<RoleSubject, Failure> {
    let SubjectArguments { user, email, domain, organization } = arguments;
    if let Some(user) = user {
        return Ok(RoleSubject::User(find_user(storage, user).await?.id));
    }
    let email = email.clone().map(RoleSubject::Email);
    let domain = domain.clone().map(RoleSubject::Domain);
    let organization = organization.clone().map(RoleSubject::Organization);
    let subject = email.or(domain).or(organization);
    subject.ok_or_else(|| Failure::new("to whom? --user, --email, --domain or --organization says it"))
}

async fn grant(storage: &Storage, assignment: &RoleAssignment) -> Result<(), Failure> {
    let id = RoleAssignmentId::random(&SystemRandomness);
    let storage = telling(storage, AuditName::RoleGranted, assignment);
    let granted = storage.grant_role(assignment, &id, SystemClock.now()).await;
    let is_new = granted.map_err(Failure::while_doing(DATABASE))?;
    let outcome = if is_new { "granted" } else { "was granted already" };
    say(format_args!("{}: {outcome}", line(assignment)))
}

async fn revoke(storage: &Storage, assignment: &RoleAssignment) -> Result<(), Failure> {
    let storage = telling(storage, AuditName::RoleRevoked, assignment);
    if storage.revoke_role(assignment).await.map_err(Failure::while_doing(DATABASE))? {
        say(format_args!("{}: revoked", line(assignment)))
    } else {
        Err(Failure::new(format_args!("{}: is not granted", line(assignment))))
    }
}

/// All assignments, or those that count for one user.
async fn list(storage: &Storage, user: Option<&str>) -> Result<(), Failure> {
    let assignments = match user {
        None => storage.list_role_assignments().await,
        Some(user) => {
            let id = find_user(storage, user).await?.id;
            storage.find_person(&id).await.map(|person| person.roles)
        }
    };
    let assignments = assignments.map_err(Failure::while_doing(DATABASE))?;
    assignments.iter().try_for_each(|assignment| say(line(assignment)))
}

/// Role, service, and to whom.
fn line(assignment: &RoleAssignment) -> String {
    let service = assignment.service.as_ref().map_or("every service", ServiceName::as_str);
    format!("{}  {service}  {}", assignment.role, assignment.subject)
}

/// An address does not go into the audit trail, only the domain that it is of.
fn telling(storage: &Storage, name: AuditName, assignment: &RoleAssignment) -> Storage {
    let service = assignment.service.as_ref().map(ServiceName::as_str);
    let event = AuditEvent::new(name, Actor::Operator, SystemClock.now())
        .with("role", assignment.role.to_string())
        .with("service", service)
        .with("to", assignment.subject.kind());
    storage.telling(match &assignment.subject {
        RoleSubject::User(user) => event.about(user),
        RoleSubject::Email(email) => {
            event.with("domain", email.as_str().rsplit('@').next().unwrap_or_default())
        }
        RoleSubject::Domain(_) => event.with("domain", assignment.subject.key()),
        RoleSubject::Organization(_) => event.with("organization", assignment.subject.key()),
    })
}
