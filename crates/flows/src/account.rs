//! What people do with their own account, and what others may learn of it.

mod profile;
mod username;

pub use profile::PublicProfile;
pub use username::UsernameOutcome;
