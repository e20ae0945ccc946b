//! Signing in at the service itself.

use vestibule_domain::{Destination, NextError, OwnPage};

use crate::{FlowError, Flows, ProviderLink};

/// The page that follows a sign-in at the service itself when none is named.
const WITHOUT_NEXT: &str = "/sign-in";

/// The ways to sign in at the service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSignIn {
    /// The page that follows, if one is named: its path and query.
    pub next: Option<String>,
    /// A way through each provider.
    pub links: Vec<ProviderLink>,
}

impl Flows {
    /// Lists the ways to sign in at the service itself. `None` where session cookies are turned off.
    pub fn list_own_sign_in(&self, next: Option<&str>) -> Result<Option<OwnSignIn>, FlowError> {
        let Some(external) = self.settings.cookie_address() else { return Ok(None) };
        let next = next.filter(|next| !next.is_empty());
        let page = OwnPage::parse(next.unwrap_or(WITHOUT_NEXT), external).ok_or(NextError::NotOwnPage)?;
        let links = self.list_provider_links(&Destination::OwnPage(page.clone()));
        Ok(Some(OwnSignIn { next: next.map(|_| page.as_str().to_owned()), links }))
    }
}
