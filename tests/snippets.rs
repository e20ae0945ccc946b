//! The snippets of the README, run as they stand there.
