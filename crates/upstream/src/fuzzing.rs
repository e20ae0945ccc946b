//! The targets of the fuzzer in this crate: whatever a provider may say.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something fails loudly"
)]

pub use crate::github::fuzzing::github_answers;
pub use crate::oauth::fuzzing::token_answers;
pub use crate::oidc::fuzzing::{claims, discovery_documents, id_tokens, provider_keys};

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("discovery_documents", discovery_documents),
    ("provider_keys", provider_keys),
    ("id_tokens", id_tokens),
    ("claims", claims),
    ("token_answers", token_answers),
    ("github_answers", github_answers),
];

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
