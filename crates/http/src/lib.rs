//! The HTTP surface: endpoints, pages, the OpenAPI document and the mapping from errors to answers.
