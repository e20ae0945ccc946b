//! Tokens of every wrong kind and shape, on every endpoint.
