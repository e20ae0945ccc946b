//! The two limits of a lent credential, and how they become smaller.

use thiserror::Error;

use crate::{Scopes, Services};

/// What a credential lends: some scopes at some services.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LentLimits {
    /// Where it may be used.
    pub services: Services,
    /// What it lends there.
    pub scopes: Scopes,
}

/// What is asked for is more than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NarrowingError {
    /// A service that is not lent.
    #[error("the services may only become fewer")]
    Services,
    /// A scope that is not lent.
    #[error("the scopes may only become fewer")]
    Scopes,
    /// A later end.
    #[error("the end may only come earlier")]
    Life,
}

impl LentLimits {
    /// These limits with fewer services or fewer scopes; what is not named stays.
    pub fn narrowed_to(
        &self,
        services: Option<Services>,
        scopes: Option<Scopes>,
    ) -> Result<Self, NarrowingError> {
        let services = services.unwrap_or_else(|| self.services.clone());
        let scopes = scopes.unwrap_or_else(|| self.scopes.clone());
        if !self.services.cover(&services) {
            return Err(NarrowingError::Services);
        }
        if !self.scopes.cover(&scopes) {
            return Err(NarrowingError::Scopes);
        }
        Ok(Self { services, scopes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(services: &str, scopes: &str) -> LentLimits {
        LentLimits { services: Services::parse(services).unwrap(), scopes: Scopes::parse(scopes).unwrap() }
    }

    #[test]
    fn h13_limits_only_become_narrower() {
        let given = limits("storage wiki", "read write");
        let narrow = |services: Option<&str>, scopes: Option<&str>| {
            let services = services.map(|text| Services::parse(text).unwrap());
            given.narrowed_to(services, scopes.map(|text| Scopes::parse(text).unwrap()))
        };
        assert_eq!(narrow(None, None), Ok(given.clone()));
        assert_eq!(narrow(Some("wiki"), Some("read")), Ok(limits("wiki", "read")));
        assert_eq!(narrow(Some(""), None), Ok(limits("", "read write")));
        assert_eq!(narrow(None, Some("")), Ok(limits("storage wiki", "")));
        for wider in ["*", "storage other", "other"] {
            assert_eq!(narrow(Some(wider), None), Err(NarrowingError::Services), "{wider}");
        }
        for wider in ["permissions", "read execute", "execute"] {
            assert_eq!(narrow(None, Some(wider)), Err(NarrowingError::Scopes), "{wider}");
        }
        let every = limits("*", "permissions");
        assert_eq!(every.narrowed_to(Services::parse("wiki").ok(), None), Ok(limits("wiki", "permissions")));
        assert_eq!(every.narrowed_to(None, Scopes::parse("read").ok()), Err(NarrowingError::Scopes));
    }
}
