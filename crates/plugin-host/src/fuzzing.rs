//! The targets of the fuzzer in this crate: whatever a plugin, or the process that it runs in, may say.
//!
//! To add one: a function, its line in [`TARGETS`], a file in `fuzz/fuzz_targets`, and inputs to begin with in `fuzz/corpus`.

pub use crate::identity::fuzzing::plugin_identities;
pub use crate::json::fuzzing::plugin_answers;
pub use crate::library::fuzzing::plugin_files;
pub use crate::process::plugin_packets;
pub use crate::schema::fuzzing::plugin_schemas;

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("plugin_answers", plugin_answers),
    ("plugin_identities", plugin_identities),
    ("plugin_packets", plugin_packets),
    ("plugin_files", plugin_files),
    ("plugin_schemas", plugin_schemas),
];

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
