//! `vestibule roles`.

use std::fmt::Display;

use vestibule_domain::{
    Actor, AuditEvent, AuditName, Clock, OrganizationId, ProviderName, RoleAssignment, RoleAssignmentId,
    RoleSubject, ServiceName, SystemClock, SystemRandom,
};
use vestibule_storage::Storage;

use super::database::{DATABASE, open_people};
use super::find_user::{describe_user, find_user};
use super::support::{block_on, say};
use crate::arguments::{NamedUser, OrganizationArgument, RoleArguments, RolesCommand, SubjectArguments};
use crate::error::CommandError;
use crate::settings::{Settings, Sources};

/// The roles that mean something at the service itself.
const ROLES_AT_VESTIBULE: [&str; 3] = ["Reader", "Moderator", "Administrator"];

pub(crate) fn roles(sources: &Sources, command: &RolesCommand) -> Result<(), CommandError> {
    let people = Settings::read_people(sources)?;
    block_on(async {
        let storage = open_people(&people, sources.dev()).await?;
        match command {
            RolesCommand::Grant(arguments) => grant(&storage, arguments).await,
            RolesCommand::Revoke(arguments) => revoke(&storage, arguments).await,
            RolesCommand::List(filter) => list(&storage, filter.named_user()).await,
        }
    })
}

/// An assignment that the command line names.
struct NamedAssignment {
    assignment: RoleAssignment,
    /// How it is printed, with the user that was found.
    line: String,
}

impl NamedAssignment {
    async fn find(storage: &Storage, arguments: &RoleArguments) -> Result<Self, CommandError> {
        if arguments.subject.named_user().is_some() {
            let user = find_user(storage, arguments.subject.named_user()).await?;
            let assignment = assignment(arguments, RoleSubject::User(user.id.clone()));
            let line = line_for(&assignment, &format_args!("user {}", describe_user(&user)));
            return Ok(Self { assignment, line });
        }
        let assignment = assignment(arguments, find_subject(storage, &arguments.subject).await?);
        Ok(Self { line: line(storage, &assignment).await?, assignment })
    }
}

fn assignment(arguments: &RoleArguments, subject: RoleSubject) -> RoleAssignment {
    let RoleArguments { role, service, provider, .. } = arguments.clone();
    RoleAssignment { role, subject, service, provider }
}

/// The subject that the command line names, unless it is a user.
async fn find_subject(storage: &Storage, arguments: &SubjectArguments) -> Result<RoleSubject, CommandError> {
    let SubjectArguments { email, domain, organization, .. } = arguments;
    if let Some(organization) = organization {
        return find_organization(storage, organization).await.map(RoleSubject::Organization);
    }
    let email = email.clone().map(RoleSubject::Email);
    let domain = domain.clone().map(RoleSubject::Domain);
    let subject = email.or(domain);
    subject.ok_or_else(|| CommandError::new("to whom? --user, --email, --domain or --organization says it"))
}

/// Finds an organization. A login names one only if no other was ever seen under it: an organization that takes over a login must not
/// inherit the roles granted under it.
async fn find_organization(
    storage: &Storage,
    argument: &OrganizationArgument,
) -> Result<OrganizationId, CommandError> {
    let login = match argument {
        OrganizationArgument::Number(id) => return Ok(*id),
        OrganizationArgument::Login(login) => login,
    };
    let seen =
        storage.list_organizations_by_login(login).await.map_err(CommandError::while_doing(DATABASE))?;
    let mut numbers = seen.iter();
    match (numbers.next(), numbers.next()) {
        (Some(id), None) => Ok(*id),
        (None, _) => Err(CommandError::new(format_args!(
            "no member of the organization {} has signed in yet; name it by its number, which https://api.github.com/orgs/{} has as id",
            login.as_str(),
            login.as_str()
        ))),
        (Some(_), Some(_)) => {
            let numbers: Vec<_> = seen.iter().map(ToString::to_string).collect();
            let numbers = numbers.join(", ");
            Err(CommandError::new(format_args!(
                "several organizations were seen as {}: {numbers}; name the one that you mean by its number",
                login.as_str()
            )))
        }
    }
}

/// Checks roles at the service itself: they are few, and no statement of a provider gives one.
fn check_reserved(assignment: &RoleAssignment) -> Result<(), CommandError> {
    let Some(service) = assignment.service.as_ref().filter(|service| service.is_reserved()) else {
        return Ok(());
    };
    let wrong = |reason: &str| Err(CommandError::new(format_args!("--service {service}: {reason}")));
    if *service != ServiceName::vestibule() {
        return wrong("the service itself is called vestibule, in small letters");
    }
    if !assignment.is_sound() {
        return wrong("roles at the service itself are granted to users, by --user alone");
    }
    if !ROLES_AT_VESTIBULE.contains(&assignment.role.as_str()) {
        return wrong("the roles there are Reader, Moderator and Administrator");
    }
    Ok(())
}

async fn grant(storage: &Storage, arguments: &RoleArguments) -> Result<(), CommandError> {
    let NamedAssignment { assignment, line } = NamedAssignment::find(storage, arguments).await?;
    check_reserved(&assignment)?;
    let id = RoleAssignmentId::random(&SystemRandom);
    let event = event(AuditName::RoleGranted, &assignment);
    let granted = storage.grant_role(&assignment, &id, SystemClock.now(), &event).await;
    let is_new = granted.map_err(CommandError::while_doing(DATABASE))?;
    if let Some(earlier) = by_login_alone(arguments) {
        revoke_one(storage, &earlier).await?;
    }
    let outcome = if is_new { "granted" } else { "was granted already" };
    say(format_args!("{line}: {outcome}"))
}

/// The same assignment as it was stored before numbers were kept, if the command line has a login.
fn by_login_alone(arguments: &RoleArguments) -> Option<RoleAssignment> {
    let OrganizationArgument::Login(login) = arguments.subject.organization.as_ref()? else { return None };
    Some(assignment(arguments, RoleSubject::OrganizationLogin(login.clone())))
}

async fn revoke(storage: &Storage, arguments: &RoleArguments) -> Result<(), CommandError> {
    if let Some(earlier) = by_login_alone(arguments)
        && revoke_one(storage, &earlier).await?
    {
        return say(format_args!("{}: revoked", line(storage, &earlier).await?));
    }
    let NamedAssignment { assignment, line } = NamedAssignment::find(storage, arguments).await?;
    if revoke_one(storage, &assignment).await? {
        say(format_args!("{line}: revoked"))
    } else {
        Err(CommandError::new(format_args!("{line}: is not granted")))
    }
}

async fn revoke_one(storage: &Storage, assignment: &RoleAssignment) -> Result<bool, CommandError> {
    let event = event(AuditName::RoleRevoked, assignment);
    storage.revoke_role(assignment, &event).await.map_err(CommandError::while_doing(DATABASE))
}

/// Prints all assignments, or those that count for one user.
async fn list(storage: &Storage, user: Option<NamedUser>) -> Result<(), CommandError> {
    let assignments = match user {
        None => storage.list_role_assignments().await,
        named => {
            let id = find_user(storage, named).await?.id;
            storage.find_user_context(&id).await.map(|context| context.roles)
        }
    };
    let assignments = assignments.map_err(CommandError::while_doing(DATABASE))?;
    for assignment in &assignments {
        say(line(storage, assignment).await?)?;
    }
    Ok(())
}

/// Role, service and subject; for an organization also the logins that it was seen under.
async fn line(storage: &Storage, assignment: &RoleAssignment) -> Result<String, CommandError> {
    let remark = match &assignment.subject {
        RoleSubject::Organization(id) => logins(storage, *id).await?,
        RoleSubject::OrganizationLogin(_) => ", counts for nothing until it is granted again".to_owned(),
        _ => String::new(),
    };
    Ok(format!("{}{remark}", line_for(assignment, &assignment.subject)))
}

fn line_for(assignment: &RoleAssignment, subject: &dyn Display) -> String {
    let service = assignment.service.as_ref().map_or("every service", ServiceName::as_str);
    let by = assignment.provider.as_ref().map_or_else(String::new, |name| format!(" by {name}"));
    format!("{}  {service}  {subject}{by}", assignment.role)
}

async fn logins(storage: &Storage, id: OrganizationId) -> Result<String, CommandError> {
    let logins =
        storage.list_logins_of_organization(id).await.map_err(CommandError::while_doing(DATABASE))?;
    let logins: Vec<_> = logins.into_iter().collect();
    Ok(if logins.is_empty() { String::new() } else { format!(" ({})", logins.join(", ")) })
}

/// The event of an assignment. The audit trail has no address, only its domain.
fn event(name: AuditName, assignment: &RoleAssignment) -> AuditEvent {
    let service = assignment.service.as_ref().map(ServiceName::as_str);
    let event = AuditEvent::new(name, Actor::Operator, SystemClock.now())
        .with_detail("role", assignment.role.to_string())
        .with_detail("service", service)
        .with_detail("to", assignment.subject.kind())
        .with_detail("by", assignment.provider.as_ref().map(ProviderName::as_str));
    match &assignment.subject {
        RoleSubject::User(user) => event.for_user(user),
        RoleSubject::Email(email) => {
            event.with_detail("domain", email.as_str().rsplit('@').next().unwrap_or_default())
        }
        RoleSubject::Domain(_) => event.with_detail("domain", assignment.subject.key()),
        RoleSubject::Organization(_) | RoleSubject::OrganizationLogin(_) => {
            event.with_detail("organization", assignment.subject.key())
        }
    }
}
