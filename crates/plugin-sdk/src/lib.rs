//! Write a Vestibule plugin in safe Rust.
