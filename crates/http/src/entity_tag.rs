//! The version of what an app keeps in a session, as an entity tag (RFC 9110 section 8.8.3).

use poem_openapi::registry::{MetaHeader, MetaSchema, MetaSchemaRef};

/// The entity tag of a version.
pub(crate) fn entity_tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The header `ETag`, as the document describes it.
pub(crate) fn entity_tag_header() -> MetaHeader {
    MetaHeader {
        name: "ETag".to_owned(),
        description: Some("The version of `data`.".to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    }
}
