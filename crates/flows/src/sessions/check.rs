//! Is this person signed in, and if not, where can they?

use vestibule_domain::{Destination, NextError};
use vestibule_upstream::Provider;

use crate::{Authentication, FlowError, Flows, Principal};

/// What a check finds.
#[derive(Debug)]
pub enum SessionCheck {
    /// The caller is signed in.
    SignedIn(Box<Principal>),
    /// The caller is not signed in; these are the providers to sign in with.
    SignedOut(Vec<ProviderLink>),
}

/// What a provider is called, in addresses and by people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTitle {
    /// Its name in the settings.
    pub name: String,
    /// What people read. It is text of the operator, to be escaped where it is shown.
    pub label: String,
}

impl From<&dyn Provider> for ProviderTitle {
    fn from(provider: &dyn Provider) -> Self {
        Self { name: provider.name().to_string(), label: provider.label().to_owned() }
    }
}

/// A way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderLink {
    /// What the provider is called.
    pub provider: ProviderTitle,
    /// An address of our own that leads there.
    pub url: String,
}

impl Flows {
    /// Looks at `next` only when it is needed: a person who is signed in is never told that `next` is wrong. A credential that does not
    /// lend who its owner is stands for nobody here. Writes nothing.
    pub fn check_session(
        &self,
        authentication: Authentication,
        next: Option<&str>,
    ) -> Result<SessionCheck, FlowError> {
        if let Authentication::Authenticated(principal) = authentication
            && principal.tells_profile()
        {
            return Ok(SessionCheck::SignedIn(Box::new(principal)));
        }
        let next = self.parse_next(next)?;
        Ok(SessionCheck::SignedOut(self.list_provider_links(&next)))
    }

    /// Where a `next` leads, if it is allowed.
    pub(crate) fn parse_next(&self, next: Option<&str>) -> Result<Destination, NextError> {
        Destination::parse(next, &self.settings.allowed_origins, self.settings.cookie_address())
    }

    /// What the providers are called, in the order in which people see them.
    pub fn list_provider_titles(&self) -> Vec<ProviderTitle> {
        self.dependencies.providers.iter().map(|provider| (&**provider).into()).collect()
    }

    pub(crate) fn list_provider_links(&self, next: &Destination) -> Vec<ProviderLink> {
        let link = |provider: &dyn Provider| ProviderLink {
            provider: provider.into(),
            url: self.settings.urls().login(provider.name(), next),
        };
        self.dependencies.providers.iter().map(|provider| link(&**provider)).collect()
    }
}
