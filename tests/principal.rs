//! What each kind of credential may do, and where in a request it counts: every cell of two tables, by requests to the built program.
//!
//! To add a kind of credential: its variant of [`credentials::Kind`], how it is made, its row in [`table`] and its row in [`places`].
//! To add an operation: its line in [`acts`]. What the program has and neither table names makes a test fail.

mod acts;
mod credentials;
mod handle;
mod places;
mod sources;
mod stage;
mod table;
