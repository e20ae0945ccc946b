//! The commands of the program, and what stops its start.
