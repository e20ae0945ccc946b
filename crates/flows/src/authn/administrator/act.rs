//! What somebody does to what belongs to a user.

use vestibule_domain::AdministratorRole;

/// What somebody does to what belongs to a user. A type and no value, so that a proof for one is none for another.
pub trait Act {
    /// The least role at the service itself with which it is done to what is another's.
    const ROLE: AdministratorRole;
    /// Whether it takes the browser and a fresh sign-in also of whom it belongs to.
    const MAKES: bool = false;
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

/// Makes or replaces a credential, or decides who may.
#[derive(Debug, Clone, Copy)]
pub enum Making {}

impl Act for Making {
    const ROLE: AdministratorRole = AdministratorRole::Administrator;
    const MAKES: bool = true;
}

/// Lets a role account wait, or go on.
#[derive(Debug, Clone, Copy)]
pub enum Pausing {}

impl Act for Pausing {
    const ROLE: AdministratorRole = AdministratorRole::Moderator;
    const MAKES: bool = true;
}
