//! What every answer has, whatever was asked: methods, bodies that are refused, and who may read it from another origin.

mod bodies;
mod cors;
mod methods;
mod pages;

use crate::app::FRONTEND;

/// The login address with an allowed `next`.
fn login() -> String {
    format!("/auth/login/google?next={FRONTEND}")
}
