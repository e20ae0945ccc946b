//! Sign-in sessions: who is signed in, and the end of it.

mod check;
mod data;
mod read;
mod sign_out;

pub use check::{ProviderLink, ProviderTitle, SessionCheck};
pub use data::{DataChange, DataOutcome, SeenVersion, SessionDataWriter};
pub use read::SessionRecord;
