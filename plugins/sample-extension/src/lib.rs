//! A sample extension.
