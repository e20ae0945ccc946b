//! Attacks by the rows of the threat list.

mod floods;
mod limits;
