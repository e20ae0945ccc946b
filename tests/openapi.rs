//! The OpenAPI document: in order by itself, true of the service, and the same wherever it is found.

mod document;
mod generated;
mod live;
mod structure;

pub(crate) use document::Document;
