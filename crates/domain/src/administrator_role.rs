//! The roles at the service itself.

use std::fmt;

use crate::RoleName;

/// What an administrator may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdministratorRole {
    /// Look at what belongs to others.
    Reader,
    /// End it as well: tokens and what else was lent; let role accounts wait.
    Moderator,
    /// Everything.
    Administrator,
}

impl AdministratorRole {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Moderator, Self::Administrator];

    /// The role as it is assigned.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "Reader",
            Self::Moderator => "Moderator",
            Self::Administrator => "Administrator",
        }
    }

    /// The role of this name, byte for byte; `None` for any other.
    pub fn named(name: &RoleName) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name.as_str())
    }
}

impl fmt::Display for AdministratorRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_known_by_its_name_alone_and_may_do_what_those_before_it_may() {
        let named = |text: &str| AdministratorRole::named(&RoleName::parse(text).unwrap());
        for role in AdministratorRole::ALL {
            assert_eq!(named(role.as_str()), Some(role));
        }
        for other in ["administrator", "ADMINISTRATOR", "Administrators", "Writer"] {
            assert_eq!(named(other), None, "{other}");
        }
        assert!(AdministratorRole::ALL.is_sorted());
    }
}
