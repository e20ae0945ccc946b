//! The providers that are configured.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use vestibule_domain::ProviderName;

use crate::Provider;

/// Two providers have one name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("two providers are called {0}")]
pub struct DuplicateProvider(pub ProviderName);

/// All providers, in the order in which sign-in pages show them.
#[derive(Clone, Default)]
pub struct Providers(Vec<Arc<dyn Provider>>);

impl Providers {
    /// Takes providers whose names differ.
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Result<Self, DuplicateProvider> {
        for (position, provider) in providers.iter().enumerate() {
            if providers.iter().take(position).any(|earlier| earlier.name() == provider.name()) {
                return Err(DuplicateProvider(provider.name().clone()));
            }
        }
        Ok(Self(providers))
    }

    /// The provider of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.0.iter().find(|provider| provider.name().as_str() == name)
    }

    /// All of them in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<dyn Provider>> {
        self.0.iter()
    }

    /// True if no provider is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Providers {
    type Item = &'a Arc<dyn Provider>;
    type IntoIter = std::slice::Iter<'a, Arc<dyn Provider>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter().map(|provider| provider.name().as_str())).finish()
    }
}
