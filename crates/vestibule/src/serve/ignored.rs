//! Rows of the database that the service ignores. The start reports them, so that an operator is not left to wonder.

use vestibule_domain::{RoleAssignment, RoleSubject, ServiceName, error_chain};
use vestibule_storage::{OrphanedIdentities, Storage, StorageError};

/// One sentence for each. A database that does not answer does not stop the start; then the sentence says so.
pub(super) async fn find(storage: &Storage) -> Vec<String> {
    let ignored = look(storage).await.unwrap_or_else(|error| {
        vec![format!("unknown, because the database does not answer: {}", error_chain(&error))]
    });
    for sentence in &ignored {
        tracing::warn!("ignored: {sentence}");
    }
    ignored
}

async fn look(storage: &Storage) -> Result<Vec<String>, StorageError> {
    let left = storage.list_orphaned_identities().await?;
    let assignments = storage.list_role_assignments().await?;
    Ok(left
        .iter()
        .map(describe_identities)
        .chain(assignments.iter().filter_map(describe_assignment))
        .collect())
}

fn describe_identities(OrphanedIdentities { provider, issuer, identities }: &OrphanedIdentities) -> String {
    format!(
        "identities of {provider} at {issuer}, which is not configured ({identities}); `vestibule providers forget {provider}` removes them"
    )
}

fn describe_assignment(assignment: &RoleAssignment) -> Option<String> {
    let RoleAssignment { role, subject, service, .. } = assignment;
    let place = service.as_ref().map_or("every service", ServiceName::as_str);
    match subject {
        RoleSubject::OrganizationLogin(login) => Some(format!(
            "{role} at {place} for the organization {}, whose number is not known; grant it again",
            login.as_str()
        )),
        // Without the subject: the log has no address of a person.
        _ if !assignment.is_sound() => {
            Some(format!("{role} at {place} by {}; roles there are those of users alone", subject.kind()))
        }
        _ => None,
    }
}
