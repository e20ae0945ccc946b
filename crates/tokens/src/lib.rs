//! Keys and what is made with them: signed tokens, sealed texts, the public keys that others verify with.
//!
//! **Owns** the key ring (which keys there are, which one signs now, how long the others still count), the exact form of
//! user tokens and permission tokens, the one form of opaque secrets, JWKS and PEM, and the sealing of short-lived texts that the service hands to a
//! browser and takes back.
//! **Does not own** sessions: a token that verifies here may still belong to a session that has ended, which only the
//! storage knows. It reads no settings, keeps no time of its own, and watches no folder; the program does.
//!
//! To add a kind of token, give it a `typ` and its claims in `claims.rs`, and one function on [`TokenService`] to issue it.
//! To add something to seal, add a variant to [`SealPurpose`]; it then has a key of its own.

mod claims;
mod compact;
mod digest;
mod folder;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod jwks;
mod key;
mod opaque;
mod pem;
mod ring;
mod schedule;
mod seal;
mod service;
#[cfg(test)]
mod testing;
mod weak;

pub use claims::UserTokenClaims;
pub use compact::TokenRefused;
pub use digest::{equal_secrets, hmac_sha256, sha256};
pub use folder::{DirState, KeyInfo, dir_state, generate_key, list_keys};
pub use jwks::{Jwk, JwkSet};
pub use key::KeyFault;
pub use opaque::{OpaqueError, OpaqueKind, OpaqueSecret, OpaqueText, find_secrets};
pub use ring::{KeyError, KeyRing};
pub use schedule::KeyState;
pub use seal::{SealError, SealPurpose};
pub use service::{
    PermissionHolder, PermissionToken, PublishedKeys, SESSION_HANDLE, SignError, TokenService, TokenSettings,
};
