//! No secret reaches a log or an error text.
