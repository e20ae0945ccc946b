//! Keys are rotated, and nobody is signed out.
