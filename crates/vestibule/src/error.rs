//! The error of a command: why the program ends without having done what was asked.

use std::error::Error;
use std::fmt::Display;
use std::io::Write as _;

use vestibule_domain::error_chain;

/// One or more sentences for the operator. Holds no secret.
#[derive(Debug)]
pub(crate) struct CommandError(Vec<String>);

impl CommandError {
    pub(crate) fn new(text: impl Display) -> Self {
        Self(vec![text.to_string()])
    }

    /// Several sentences at once, so that an operator mends them in one go.
    pub(crate) fn from_texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().collect())
    }

    /// The sentences.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0
    }

    /// These sentences and those of another error that are not among them.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        for text in other.0 {
            if !self.0.contains(&text) {
                self.0.push(text);
            }
        }
        self
    }

    /// For `map_err`: puts what was being done before the error and its causes.
    pub(crate) fn while_doing<E: Error>(what: &str) -> impl FnOnce(E) -> Self + '_ {
        move |error| Self::new(format_args!("{what}: {}", error_chain(&error)))
    }

    /// Writes to standard error.
    pub(crate) fn print(&self) {
        let mut out = std::io::stderr().lock();
        for text in &self.0 {
            // If standard error is gone, there is no one to tell.
            drop(writeln!(out, "vestibule: {text}"));
        }
    }
}

impl Display for CommandError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.join("; "))
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}
