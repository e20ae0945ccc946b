//! Tokens over time, after their end, and as bytes that no HTTP library would send.

pub(crate) mod clocks;
mod revocation;
mod sizes;
mod time;
