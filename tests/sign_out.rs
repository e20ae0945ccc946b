//! The end of a session, or of all.
