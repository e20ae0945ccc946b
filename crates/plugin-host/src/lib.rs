//! Find, check, load and call plugins.
