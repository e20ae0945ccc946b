//! A username is chosen once, by one.
