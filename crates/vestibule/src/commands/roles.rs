//! `vestibule roles`.

use std::fmt::Display;

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock, RoleAssignment, RoleAssignmentId, RoleSubject, ServiceName,
    SystemClock, SystemRandomness,
};
use vestibule_storage::Storage;

use super::database::{DATABASE, open};
use super::find_user::{find_user, whom};
use super::{block_on, say};
use crate::arguments::{NamedUser, RoleArguments, RolesCommand, SubjectArguments};
use crate::failure::Failure;
use crate::settings::{Settings, Sources};

pub(crate) fn roles(sources: &Sources, command: &RolesCommand) -> Result<(), Failure> {
    let url = Settings::read_database(sources)?;
    block_on(async {
        let storage = open(&url, sources.dev()).await?;
        match command {
            RolesCommand::Grant(arguments) => grant(&storage, &Named::find(&storage, arguments).await?).await,
            RolesCommand::Revoke(arguments) => {
                revoke(&storage, &Named::find(&storage, arguments).await?).await
            }
            RolesCommand::List(filter) => list(&storage, filter.named_user()).await,
        }
    })
}

/// An assignment as the command line names it.
struct Named {
    assignment: RoleAssignment,
    /// How it is shown, with the user whom it was found to mean.
    line: String,
}

impl Named {
    async fn find(storage: &Storage, arguments: &RoleArguments) -> Result<Self, Failure> {
        let (role, service) = (arguments.role.clone(), arguments.service.clone());
        if arguments.subject.named_user().is_some() {
            let user = find_user(storage, arguments.subject.named_user()).await?;
            let assignment = RoleAssignment { role, subject: RoleSubject::User(user.id.clone()), service };
            let line = line_for(&assignment, &format_args!("user {}", whom(&user)));
            return Ok(Self { assignment, line });
        }
        let assignment = RoleAssignment { role, subject: subject(&arguments.subject)?, service };
        Ok(Self { line: line(&assignment), assignment })
    }
}

/// The one subject that the command line names, if it is no user.
fn subject(arguments: &SubjectArguments) -> Result<RoleSubject, Failure> {
    let SubjectArguments { email, domain, organization, .. } = arguments;
    let email = email.clone().map(RoleSubject::Email);
    let domain = domain.clone().map(RoleSubject::Domain);
    let organization = organization.clone().map(RoleSubject::Organization);
    let subject = email.or(domain).or(organization);
    subject.ok_or_else(|| Failure::new("to whom? --user, --email, --domain or --organization says it"))
}

async fn grant(storage: &Storage, Named { assignment, line }: &Named) -> Result<(), Failure> {
    let id = RoleAssignmentId::random(&SystemRandomness);
    let storage = telling(storage, AuditName::RoleGranted, assignment);
    let granted = storage.grant_role(assignment, &id, SystemClock.now()).await;
    let is_new = granted.map_err(Failure::while_doing(DATABASE))?;
    let outcome = if is_new { "granted" } else { "was granted already" };
    say(format_args!("{line}: {outcome}"))
}

async fn revoke(storage: &Storage, Named { assignment, line }: &Named) -> Result<(), Failure> {
    let storage = telling(storage, AuditName::RoleRevoked, assignment);
    if storage.revoke_role(assignment).await.map_err(Failure::while_doing(DATABASE))? {
        say(format_args!("{line}: revoked"))
    } else {
        Err(Failure::new(format_args!("{line}: is not granted")))
    }
}

/// All assignments, or those that count for one user.
async fn list(storage: &Storage, user: Option<NamedUser>) -> Result<(), Failure> {
    let assignments = match user {
        None => storage.list_role_assignments().await,
        named => {
            let id = find_user(storage, named).await?.id;
            storage.find_person(&id).await.map(|person| person.roles)
        }
    };
    let assignments = assignments.map_err(Failure::while_doing(DATABASE))?;
    assignments.iter().try_for_each(|assignment| say(line(assignment)))
}

/// Role, service, and to whom.
fn line(assignment: &RoleAssignment) -> String {
    line_for(assignment, &assignment.subject)
}

fn line_for(assignment: &RoleAssignment, subject: &dyn Display) -> String {
    let service = assignment.service.as_ref().map_or("every service", ServiceName::as_str);
    format!("{}  {service}  {subject}", assignment.role)
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
