//! The listener: accepts connections and speaks HTTP/1.1 on them, within bounds.
//!
//! **Owns** the sockets of clients: how many there may be, how long one may keep us waiting, how large the head of a request
//! may be, and their orderly end. **Does not own** what is answered ([`Handler`]), nor TLS, which ends in front of us, nor
//! HTTP/2: what a proxy speaks to us needs none of it, and whole families of floods go with it.
//!
//! One task looks over all connections four times a second and ends those that have kept us waiting for too long. The
//! path of a request therefore sets no timer: a phase and a moment in one atomic number are all that it pays.
//!
//! To add a bound on time, give it a field in [`Limits`] and a line in `connection::Connection::overdue`.

mod accept;
mod body;
mod connection;
mod framing;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod handler;
mod limits;
mod lookout;
mod observer;
mod refusal;
mod registry;
mod serve;
mod socket;

pub use body::RequestBody;
pub use handler::{Handler, Peer};
pub use limits::{AddressRule, Limits};
pub use observer::{NoObserver, Observer, Refusal};
pub use serve::{Listener, Stop};
