//! Providers that fail, lie or hang.
