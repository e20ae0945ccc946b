//! Attacks by the rows of the threat list.

mod connections;
mod limits;
