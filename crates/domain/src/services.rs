//! The services that a credential may be used at.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::{ServiceName, ServiceNameError};

const EVERY: &str = "*";

/// Why a list names no services.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServicesError {
    /// A name is not of the form that names have.
    #[error(transparent)]
    Name(#[from] ServiceNameError),
    /// `*` stands beside a name.
    #[error("* means every service and stands alone")]
    EveryAndNames,
    /// There is no service of this name.
    #[error("there is no service {0:?}")]
    Unknown(String),
}

/// The services that a credential may be used at: every one, or those that are named.
///
/// A name counts for nothing once no service has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Services {
    /// Every service, also those to come.
    Every,
    /// These alone.
    Named(BTreeSet<ServiceName>),
}

impl Default for Services {
    /// None.
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl Services {
    /// Reads names that are separated by spaces, or `*`, as [`Display`](fmt::Display) writes them.
    pub fn parse(text: &str) -> Result<Self, ServicesError> {
        Self::from_names(text.split(' ').filter(|name| !name.is_empty()))
    }

    /// Reads a list of names, or of `*` alone.
    pub fn from_names<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, ServicesError> {
        let (mut has_every, mut named) = (false, BTreeSet::new());
        for word in words {
            if word == EVERY {
                has_every = true;
            } else {
                named.insert(ServiceName::parse(word)?);
            }
        }
        match (has_every, named.is_empty()) {
            (true, true) => Ok(Self::Every),
            (true, false) => Err(ServicesError::EveryAndNames),
            (false, _) => Ok(Self::Named(named)),
        }
    }

    /// The list, if `is_known` has each name: what is asked for must be there. The service itself is lent by nothing.
    pub fn known_by(self, is_known: impl Fn(&ServiceName) -> bool) -> Result<Self, ServicesError> {
        let Self::Named(names) = &self else { return Ok(self) };
        match names.iter().find(|name| name.is_reserved() || !is_known(name)) {
            Some(unknown) => Err(ServicesError::Unknown(unknown.as_str().to_owned())),
            None => Ok(self),
        }
    }

    /// Whether the credential may be used at the service of this name.
    pub fn fits(&self, service: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Named(names) => names.iter().any(|name| name.as_str() == service),
        }
    }

    /// Whether `others` has no service that is not among these.
    pub fn cover(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::Every, _) => true,
            (Self::Named(_), Self::Every) => false,
            (Self::Named(these), Self::Named(others)) => others.is_subset(these),
        }
    }

    /// The services that both have.
    #[must_use]
    pub fn intersection(&self, others: &Self) -> Self {
        match (self, others) {
            (Self::Every, services) | (services, Self::Every) => services.clone(),
            (Self::Named(these), Self::Named(others)) => {
                Self::Named(these.intersection(others).cloned().collect())
            }
        }
    }

    /// The names, or `*`.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Every => vec![EVERY],
            Self::Named(names) => names.iter().map(ServiceName::as_str).collect(),
        }
    }
}

impl fmt::Display for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::text_list::write_separated_by_spaces(formatter, self.words().into_iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn services(text: &str) -> Services {
        Services::parse(text).unwrap()
    }

    #[test]
    fn services_are_named_or_every_one() {
        assert_eq!(services("*"), Services::Every);
        assert_eq!(services(" wiki  storage wiki").to_string(), "storage wiki");
        assert_eq!(services(""), Services::default());
        assert_eq!(Services::parse("* wiki"), Err(ServicesError::EveryAndNames));
        assert_eq!(Services::parse("a/b"), Err(ServicesError::Name(ServiceNameError)));
        assert!(Services::from_names(["a b"]).is_err(), "a list has one name in each place");
    }

    #[test]
    fn h13_a_credential_fits_what_it_names() {
        let named = services("storage wiki");
        assert!(named.fits("wiki") && !named.fits("Wiki") && !named.fits("wik") && !named.fits("*"));
        assert!(services("*").fits("wiki") && !services("").fits("wiki"));
    }

    #[test]
    fn h13_only_services_that_are_there_may_be_asked_for() {
        let is_known = |name: &ServiceName| ["wiki", "vestibule", "Vestibule"].contains(&name.as_str());
        assert_eq!(services("wiki").known_by(is_known), Ok(services("wiki")));
        assert_eq!(services("*").known_by(is_known), Ok(Services::Every));
        for unknown in ["wik", "vestibule", "Vestibule"] {
            let asked = services(&format!("{unknown} wiki")).known_by(is_known);
            assert_eq!(asked, Err(ServicesError::Unknown(unknown.to_owned())));
        }
    }

    fn any_services() -> impl Strategy<Value = Services> {
        let named = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d"]), 0..5);
        prop_oneof![1 => Just(Services::Every), 4 => named.prop_map(|names| Services::from_names(names).unwrap())]
    }

    proptest! {
        #[test]
        fn services_read_back_from_their_text(one in any_services()) {
            prop_assert_eq!(services(&one.to_string()), one);
        }

        #[test]
        fn h13_what_two_lists_share_fits_both(one in any_services(), other in any_services()) {
            let both = one.intersection(&other);
            for service in ["a", "b", "c", "d", "e"] {
                prop_assert_eq!(both.fits(service), one.fits(service) && other.fits(service));
                prop_assert!(!one.cover(&other) || !other.fits(service) || one.fits(service), "narrowing never adds");
            }
            prop_assert_eq!(one.cover(&other), one.intersection(&other) == other);
        }
    }
}
