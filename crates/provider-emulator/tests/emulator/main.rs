//! The emulator over real HTTP, as a client of the providers sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod authorize_requests;
mod faults;
mod github_sign_in;
mod id_tokens;
mod openid_sign_in;
mod personas;
mod token_requests;
mod world;
