//! A sample permission provider.
