//! An error with its causes, as one text.

use std::error::Error;

/// An error and its sources, outermost first, joined by colons. For logs and operators; clients never see internal causes.
pub fn error_chain(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn every_cause_is_shown_once() {
        assert_eq!(error_chain(&Outer(std::fmt::Error)), format!("outer: {}", std::fmt::Error));
    }
}
