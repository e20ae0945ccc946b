//! What stands in the database and counts for nothing: said when the service starts, so that nobody wonders.

use vestibule_domain::{RoleAssignment, RoleSubject, ServiceName, with_causes};
use vestibule_storage::{LeftBehind, Storage, StorageError};

/// One sentence for each. A database that does not answer is no reason not to start: it only is not known then.
pub(super) async fn find(storage: &Storage) -> Vec<String> {
    let unheeded = look(storage).await.unwrap_or_else(|error| {
        vec![format!("not known, because the database does not say: {}", with_causes(&error))]
    });
    for sentence in &unheeded {
        tracing::warn!("counts for nothing: {sentence}");
    }
    unheeded
}

async fn look(storage: &Storage) -> Result<Vec<String>, StorageError> {
    let left = storage.list_left_behind().await?;
    let assignments = storage.list_role_assignments().await?;
    Ok(left.iter().map(of_provider).chain(assignments.iter().filter_map(of_assignment)).collect())
}

fn of_provider(LeftBehind { provider, issuer, identities }: &LeftBehind) -> String {
    format!(
        "identities of {provider} at {issuer}, which is not configured ({identities}); `vestibule providers forget {provider}` removes them"
    )
}

fn of_assignment(assignment: &RoleAssignment) -> Option<String> {
    let RoleAssignment { role, subject, service, .. } = assignment;
    let place = service.as_ref().map_or("every service", ServiceName::as_str);
    match subject {
        RoleSubject::OrganizationLogin(login) => Some(format!(
            "{role} at {place} for the organization {}, whose number is not known; grant it again",
            login.as_str()
        )),
        // Not whose: the log has no address of a person.
        _ if !assignment.is_sound() => {
            Some(format!("{role} at {place} by {}; roles there are those of users alone", subject.kind()))
        }
        _ => None,
    }
}
