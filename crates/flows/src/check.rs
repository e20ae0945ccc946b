//! Is this person signed in, and if not, where can they?

use std::pin::pin;

use url::form_urlencoded;
use vestibule_domain::Next;
use vestibule_storage::within_one_limit;

use crate::{FlowError, Flows, Principal};

/// What a check finds.
#[derive(Debug)]
pub enum SessionCheck {
    /// Somebody is signed in.
    SignedIn(Box<Principal>),
    /// Nobody is; these are the ways in.
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
    /// Looks at the token first and at `next` only when it is needed: a signed-in person is never told that `next` is
    /// wrong. Nothing is written.
    pub async fn check_session(
        &self,
        token: Option<&str>,
        next: Option<&str>,
    ) -> Result<SessionCheck, FlowError> {
        if let Some(principal) = within_one_limit(pin!(self.recognize(token))).await? {
            return Ok(SessionCheck::SignedIn(Box::new(principal)));
        }
        let next = Next::parse(next, &self.settings.allowed_origins)?;
        Ok(SessionCheck::SignedOut(self.list_provider_links(&next)))
    }

    fn list_provider_links(&self, next: &Next) -> Vec<ProviderLink> {
        let query = match next {
            Next::Home => String::new(),
            Next::Url(url) => format!("?next={}", encode(url.as_str())),
        };
        let link = |name: &str| ProviderLink {
            name: name.to_owned(),
            url: self.settings.external_address.join(&format!("/auth/login/{name}{query}")),
        };
        self.parts.providers.iter().map(|provider| link(provider.name().as_str())).collect()
    }
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
