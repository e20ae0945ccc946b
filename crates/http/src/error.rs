//! What can go wrong with a request, and what the client is told.

mod api_error;
mod documented;
mod error_answer;
mod render;

pub(crate) use api_error::{ApiError, ErrorResponse};
pub(crate) use documented::{Documented, ErrorFormat, Status, Statuses};
pub(crate) use render::{JSON, json, render, retry_after};
