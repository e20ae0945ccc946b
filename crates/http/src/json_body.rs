//! The body of a request in JSON.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use crate::error::ApiError;
use crate::form::read_bounded;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON value of at most 64 KiB. What it has to be is for the operation to say.
pub(crate) struct JsonBody(pub(crate) Value);

impl JsonBody {
    pub(crate) async fn read(request: &Request, body: &mut RequestBody) -> Result<Self, ApiError> {
        let content_type = request.content_type().unwrap_or_default().to_ascii_lowercase();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let bytes = read_bounded(body.take().map_err(|_| ApiError::UnreadableBody)?).await?;
        // A form of another site comes without a preflight, and is never of these types.
        if kind != JSON && kind != MERGE_PATCH {
            return Err(ApiError::UnsupportedType);
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|_| ApiError::NotJson)
    }
}

impl<'a> ApiExtractor<'a> for JsonBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let media = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("object"))),
        };
        Some(MetaRequest {
            description: Some("A JSON object."),
            content: vec![media(JSON), media(MERGE_PATCH)],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Ok(Self::read(request, body).await?)
    }
}
