//! What every answer has, whatever was asked: headers, methods, bodies that are refused, and who may read it from
//! another origin.

mod bodies;
mod cors;
mod headers;
mod methods;
mod odd_bytes;

use crate::world::APP;

/// The login address with an allowed `next`.
fn login() -> String {
    format!("/auth/login/google?next={APP}")
}
