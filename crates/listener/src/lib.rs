//! The listener: accepts connections and serves HTTP/1.1 on them, within bounds.
//!
//! **Owns** the sockets of clients: how many there may be, how long one may take, how large the head of a request may be, and
//! their orderly shutdown. **Does not own** the responses ([`Handler`]), TLS, which ends at a proxy in front of the service, or
//! HTTP/2: proxies need only HTTP/1.1, and several kinds of floods exist in HTTP/2 alone.
//!
//! One task sweeps over all connections four times a second and closes those that are overdue. A request therefore sets no
//! timer; it updates one atomic number, which holds a phase and the moment at which that began.
//!
//! hyper answers a request that it cannot parse by itself, without a body. The module `error_rewrite` puts the handler's
//! response in the place of that answer; it is the only one that reads or changes the bytes of a response.
//!
//! To add a bound on time, give it a field in [`Limits`] and a line in `connection::Connection::overdue`.

mod accept;
mod body;
mod coarse_clock;
mod connection;
mod error_rewrite;
mod framing;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod handler;
mod limits;
mod observer;
mod registry;
mod serve;
mod socket;

pub use body::RequestBody;
pub use handler::{Handler, Peer};
pub use limits::{AddressRule, Limits};
pub use observer::{CloseReason, NoObserver, Observer};
pub use serve::{Listener, Shutdown};
