//! What can go wrong with a request, and what the client is told.

mod api_error;
mod documented;
mod error_answer;
mod page_text;
mod render;
mod response;

pub(crate) use api_error::ApiError;
pub(crate) use documented::{Documented, ErrorFormat, Status, Statuses};
pub(crate) use render::{JSON, add_headers, json, render};
pub(crate) use response::ErrorResponse;
