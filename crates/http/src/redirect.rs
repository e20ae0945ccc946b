//! A redirect that a browser follows with GET, as the OpenAPI document states it (RFC 9110 section 15.4.4).

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};

use crate::error::ApiError;

/// 303 with an empty body and any number of cookies.
pub(crate) struct SeeOther {
    location: HeaderValue,
    cookies: Vec<HeaderValue>,
}

impl SeeOther {
    pub(crate) fn to(location: &str) -> Result<Self, ApiError> {
        Ok(Self { location: header_value(location)?, cookies: Vec::new() })
    }

    /// Sets one more cookie; RFC 6265 section 3 wants a header for each.
    pub(crate) fn with_cookie(mut self, cookie: &str) -> Result<Self, ApiError> {
        self.cookies.push(header_value(cookie)?);
        Ok(self)
    }
}

/// What comes here was parsed or made before; this is the last check against a second header.
fn header_value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::Unexpected(StatusCode::INTERNAL_SERVER_ERROR))
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response =
            Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, self.location);
        for cookie in self.cookies {
            response = response.header(header::SET_COOKIE, cookie);
        }
        response.finish()
    }
}

impl ApiResponse for SeeOther {
    fn meta() -> MetaResponses {
        let location = MetaHeader {
            name: "Location".to_owned(),
            description: Some("The address that the browser is redirected to.".to_owned()),
            required: true,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "uri"))),
        };
        let response = MetaResponse {
            description: "The browser is redirected.",
            status: Some(303),
            status_range: None,
            content: vec![],
            headers: vec![location],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a7_no_text_becomes_a_second_header(
            location in any::<String>(),
            given in prop::collection::vec(any::<String>(), 0..4),
        ) {
            let Ok(mut redirect) = SeeOther::to(&location) else { return Ok(()) };
            for cookie in &given {
                let Ok(more) = redirect.with_cookie(cookie) else { return Ok(()) };
                redirect = more;
            }
            let response = redirect.into_response();
            let headers = response.headers();
            prop_assert_eq!(headers.get(header::LOCATION).unwrap().as_bytes(), location.as_bytes());
            let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(HeaderValue::as_bytes).collect();
            prop_assert_eq!(headers.len(), 1 + given.len());
            prop_assert_eq!(cookies, given.iter().map(String::as_bytes).collect::<Vec<_>>());
            let values = headers.iter().flat_map(|(_, value)| value.as_bytes());
            prop_assert!(!values.copied().any(|byte| b"\r\n\0".contains(&byte)));
        }
    }

    #[test]
    fn a7_a_second_header_in_an_address_or_a_cookie_is_refused() {
        for text in ["https://app.example.com/\r\nSet-Cookie: a=1", "a=1\nb: 2", "a\0"] {
            assert!(SeeOther::to(text).is_err());
            assert!(SeeOther::to("/").unwrap().with_cookie(text).is_err());
        }
    }
}
