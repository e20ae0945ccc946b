//! Is this person signed in, and if not, where can they?

use vestibule_domain::{Next, ProviderName};

use crate::{Authentication, FlowError, Flows, Principal};

/// What a check finds.
#[derive(Debug)]
pub enum SessionCheck {
    /// The caller is signed in.
    SignedIn(Box<Principal>),
    /// The caller is not signed in; these are the providers to sign in with.
    SignedOut(Vec<ProviderLink>),
}

/// A way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderLink {
    /// The provider's name in the settings.
    pub name: String,
    /// An address of our own that leads there.
    pub url: String,
}

impl Flows {
    /// Looks at `next` only when it is needed: a person who is signed in is never told that `next` is wrong. Writes nothing.
    pub fn check_session(
        &self,
        authentication: Authentication,
        next: Option<&str>,
    ) -> Result<SessionCheck, FlowError> {
        if let Authentication::Authenticated(principal) = authentication {
            return Ok(SessionCheck::SignedIn(Box::new(principal)));
        }
        let next = Next::parse(next, &self.settings.allowed_origins)?;
        Ok(SessionCheck::SignedOut(self.list_provider_links(&next)))
    }

    fn list_provider_links(&self, next: &Next) -> Vec<ProviderLink> {
        let link = |name: &ProviderName| ProviderLink {
            name: name.to_string(),
            url: self.settings.urls().login(name, next),
        };
        self.dependencies.providers.iter().map(|provider| link(provider.name())).collect()
    }
}
