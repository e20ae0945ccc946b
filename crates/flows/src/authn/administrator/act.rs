//! What somebody does to what belongs to a user.

use vestibule_domain::AdministratorRole;

/// What somebody does to what belongs to a user. A type and no value, so that a proof for one is none for another.
pub trait Act {
    /// The least role at the service itself with which it is done to what is another's.
    const ROLE: AdministratorRole;
}

/// Looks.
#[derive(Debug, Clone, Copy)]
pub enum Looking {}

impl Act for Looking {
    const ROLE: AdministratorRole = AdministratorRole::Reader;
}

/// Ends it, or lets it wait.
#[derive(Debug, Clone, Copy)]
pub enum Ending {}

impl Act for Ending {
    const ROLE: AdministratorRole = AdministratorRole::Moderator;
}

/// Changes it, also where it only becomes less.
#[derive(Debug, Clone, Copy)]
pub enum Changing {}

impl Act for Changing {
    const ROLE: AdministratorRole = AdministratorRole::Administrator;
}
