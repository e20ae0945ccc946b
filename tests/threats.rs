//! Attacks by the rows of the threat list.

mod limits;
