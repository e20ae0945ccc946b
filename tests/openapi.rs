//! The OpenAPI document is what the program generates.
