//! The identity front door.

fn main() {}
