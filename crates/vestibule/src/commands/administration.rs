//! The flows of an administrator, for commands: the operator is the administrator, and errors name the arguments that mend them.

use vestibule_domain::{SystemClock, User, error_chain};
use vestibule_flows::{AdminError, Administration, Administrator, NamedUser, ReservedServiceRule};
use vestibule_storage::Storage;

use crate::error::CommandError;

/// What the operator can do to this database.
pub(super) fn administer(storage: &Storage) -> Administration<'_> {
    Administration::new(storage, &SystemClock, Administrator::operator())
}

/// Finds the user that the command line names.
pub(super) async fn find_user(
    administration: &Administration<'_>,
    named: Option<NamedUser>,
) -> Result<User, CommandError> {
    let nobody = || {
        CommandError::new("which user? An id, a username or a verified address, --id or --username says it")
    };
    Ok(administration.find_user(&named.ok_or_else(nobody)?).await?)
}

impl From<AdminError> for CommandError {
    fn from(error: AdminError) -> Self {
        let text = error_chain(&error);
        match error {
            AdminError::AmbiguousUser { .. } | AdminError::UsernameLikeId { .. } => {
                Self::new(format_args!("{text}; --id or --username says which is meant"))
            }
            AdminError::AmbiguousAddress { .. } => {
                Self::new(format_args!("{text}; --id says which is meant"))
            }
            AdminError::ReservedService { rule: ReservedServiceRule::UsersAlone, .. } => {
                Self::new(format_args!("--service {text}, by --user alone"))
            }
            AdminError::ReservedService { .. } => Self::new(format_args!("--service {text}")),
            AdminError::NoConfiguredProvider => Self::new(format_args!(
                "{text}: run this with the settings of the service, which say what is left behind"
            )),
            AdminError::UnknownUser(_)
            | AdminError::UnknownIdentity { .. }
            | AdminError::LastIdentity { .. }
            | AdminError::UnknownOrganization(_)
            | AdminError::AmbiguousOrganization { .. }
            | AdminError::RoleNotGranted(_)
            | AdminError::NothingLeft(_)
            | AdminError::RoleAccount(_)
            | AdminError::NoRoleAccount(_)
            | AdminError::UnknownToken(_)
            | AdminError::UnknownGrant(_)
            | AdminError::Token(_)
            | AdminError::Plugin(_)
            | AdminError::Storage(_) => Self::new(text),
        }
    }
}
