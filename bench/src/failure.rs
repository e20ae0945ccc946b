//! Why a measurement could not be made.

use std::fmt::Display;

use thiserror::Error;

/// A sentence for whoever started the measurement: nobody handles its kinds apart.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(text: impl Display) -> Self {
        Self(text.to_string())
    }
}

/// Says what was being done when an error came.
pub(crate) trait While<T> {
    fn doing(self, what: impl Display) -> Outcome<T>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn doing(self, what: impl Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

impl<T> While<T> for Option<T> {
    fn doing(self, what: impl Display) -> Outcome<T> {
        self.ok_or_else(|| Failure(what.to_string()))
    }
}
