//! The names of services that permission tokens are made for.

use std::fmt;

use thiserror::Error;

/// A text that cannot name a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the name of a service or an extension has 1 to 64 letters, digits, dots, hyphens or underscores, and starts with a letter or digit"
)]
pub struct ServiceNameError;

/// The name by which clients ask for permissions: the alias in `ALLOWED_SERVICES`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// Takes 1 to 64 characters of `A-Za-z0-9._-`, the first a letter or digit.
    pub fn parse(text: &str) -> Result<Self, ServiceNameError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(ServiceNameError) }
    }

    /// The service itself, at which roles are given to those who administer it.
    pub fn vestibule() -> Self {
        Self("vestibule".to_owned())
    }

    /// Whether it is the name of the service itself, in whatever case: no plugin answers for it.
    pub fn is_reserved(&self) -> bool {
        self.0.eq_ignore_ascii_case(Self::vestibule().as_str())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_short_plain_name() {
        for good in ["a", "7z", "my.service-1_x", &"x".repeat(64)] {
            assert_eq!(ServiceName::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", ".a", "-a", "_a", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(ServiceName::parse(bad), Err(ServiceNameError), "{bad:?}");
        }
    }

    #[test]
    fn the_name_of_the_service_itself_is_reserved_in_every_case() {
        assert!(ServiceName::parse("Vestibule").unwrap().is_reserved());
        assert!(!ServiceName::parse("vestibule2").unwrap().is_reserved());
    }
}
