//! A stand-in for Google, GitHub and a company's own OpenID Connect issuer, which speaks their protocols over HTTP.
//!
//! **Owns** one small web server with three providers on it, the invented people who can sign in there
//! ([`Persona`]), and the means to make a provider misbehave ([`Control`]). `vestibule serve --dev` starts it so
//! that the program takes the same path as with the real providers; tests start it to attack that path.
//! **Does not own** anything of Vestibule: it depends on no other crate of the workspace, so that neither side
//! can copy a mistake of the other.
//!
//! # Addresses
//!
//! | what | where |
//! | --- | --- |
//! | Google, an OpenID Connect issuer that sends `iss` in the authorization response without promising it | `http://127.0.0.1:PORT/google` |
//! | the company, an issuer with its own keys that promises `iss` in the authorization response (RFC 9207) | `http://127.0.0.1:PORT/corporate` |
//! | GitHub | `http://127.0.0.1:PORT/github`, its API at `/github/api` |
//!
//! An authorization request shows a page of people to choose from, as plain links. The same request with
//! `&persona=ada` added answers at once with the redirect that carries the code; that is what the links lead
//! to, and what a test or a script without a browser asks for. It takes one GET without following redirects to
//! be an attacker who consents and stops there.
//!
//! # The oddities of real providers
//!
//! | what a provider does | how to have it here |
//! | --- | --- |
//! | states an address and not whether it is verified (Entra ID), or at userinfo alone (Authelia) | the persona `unstated`; [`Tampering::remove_claim`] of `email_verified` |
//! | says that no address is verified (Keycloak with LDAP) | the persona `grace`; `email_verified: false` by [`Control::put_persona`] |
//! | writes `"true"` where it means true (Cognito, Apple) | the persona `in-text` |
//! | has names in parts, roles inside another claim (Keycloak) | the persona `parts`: `realm_access.roles` |
//! | has names of other scripts, mail domains beyond ASCII | the personas `mahsa`, `kshitij`, `yoshino` |
//! | signs with ES384, PS384, `EdDSA` or `Ed25519` | [`Tampering::Sign`] with a [`Signature`] |
//! | writes times with fractions | [`Tampering::set_claim`] of `exp` and `iat` |
//! | publishes a key twice, or two keys of one id | [`Control::publish_signing_key_again`], [`Control::publish_key_of_same_id`] |
//! | answers with a token of no type, or with a token and an error | [`Fault::json`] at [`Endpoint::Token`] |
//! | lets an app read neither addresses nor organizations (a GitHub App) | [`Fault::status`] 403 at [`Endpoint::Emails`] or [`Endpoint::Organizations`] |
//!
//! # To add a persona
//!
//! For everybody: one more function in `personas/cast.rs`, named in its `cast()`; `--dev` then shows it. For
//! one test: [`Control::put_persona`] with any JSON at all as claims, GitHub user, GitHub addresses and
//! organizations. A person
//! who *does* something unusual rather than *is* somebody unusual needs one more [`Behaviour`].
//!
//! # To add a fault
//!
//! If the fault is an answer (a status, headers, a body), it needs no code: [`Fault::Answer`]. If it is
//! something else that happens to a connection, add a variant to [`Fault`] and its arm in `faults/perform.rs`.
//! A flaw in an otherwise good ID token is a [`Tampering`], in `tampering.rs`.

mod authorization;
mod clock;
mod connection;
mod consent;
mod control;
mod counters;
mod emulator;
mod exchange;
mod faults;
mod github;
mod grants;
mod keys;
mod lock;
mod oidc;
mod options;
mod page;
mod parameters;
mod personas;
mod provider;
mod random;
mod reply;
mod shared;
mod site;
mod tampering;

pub use clock::Clock;
pub use control::Control;
pub use counters::TokenExchanges;
pub use emulator::Emulator;
pub use exchange::AuthMethod;
pub use faults::{Answer, Fault, Lasting};
pub use options::{Client, EmulatorOptions, RedirectPolicy, RedirectUris};
pub use personas::{Behaviour, GithubAccount, Persona, organization_id};
pub use provider::{Endpoint, Issuer, Provider};
pub use tampering::{Signature, Tampering};
