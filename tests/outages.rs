//! Everything that the service stands on fails: the database, the network to it, the disk, the clock, the providers.
//!
//! One module for each thing that fails; a test's name says the fault. [`stage`] asks the service for everything at once while
//! the fault lasts, and measures how long the answers take and how soon all is well when it is over. What came out of it is
//! the table in `docs/faults.md`. That the process itself is killed is the matter of `crash`; that plugins fail, of `faults`.

mod cleanup;
mod clock;
mod crowds;
mod disk;
mod failover;
mod network;
mod postgres;
mod providers;
mod stage;
mod survival;
