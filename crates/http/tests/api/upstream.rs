//! Issuers whose ID tokens somebody has tampered with, and whose keys change, hide and fail.

mod id_tokens;
mod keys;
