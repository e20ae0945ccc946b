//! For services: is this permission token good?
//!
//! **Owns** the rules by which a service accepts a permission token of Vestibule, and the public keys that it does so with.
//! **Does not own** fetching the keys, the clock, or what a permission means; and it shares no code with the server, so
//! that a service builds nothing of it.
//!
//! To add a check, add it to `Verifier::verify` with a variant of [`VerifyError`]; to accept keys in another form, add a
//! `with_` function that ends in the same strength check as the others.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod claims;
mod compact;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod keys;
mod verifier;

pub use claims::PermissionGrant;
pub use keys::KeyError;
pub use verifier::{Verifier, VerifyError};
