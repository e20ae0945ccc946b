//! The text of the documentation against the program.
