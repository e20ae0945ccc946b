//! Errors, told whole.

use std::error::Error;

/// An error and what lies under it, outermost first, for a log or an operator. Not for a client, who reads no insides.
pub fn with_causes(error: &dyn Error) -> String {
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
    fn every_cause_is_told_once() {
        assert_eq!(with_causes(&Outer(std::fmt::Error)), format!("outer: {}", std::fmt::Error));
    }
}
