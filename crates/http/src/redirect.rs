//! A redirect that a browser follows with GET, as the OpenAPI document states it (RFC 9110 section 15.4.4).

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};

use crate::error::ApiError;

/// 303 with an empty body, and perhaps a cookie.
pub(crate) struct SeeOther {
    location: HeaderValue,
    cookie: Option<HeaderValue>,
}

impl SeeOther {
    pub(crate) fn to(location: &str) -> Result<Self, ApiError> {
        // Every address has been parsed before; this is the last check against a second header.
        let location = HeaderValue::from_str(location)
            .map_err(|_| ApiError::Unexpected(StatusCode::INTERNAL_SERVER_ERROR))?;
        Ok(Self { location, cookie: None })
    }

    pub(crate) fn with_cookie(mut self, cookie: &str) -> Self {
        self.cookie = HeaderValue::from_str(cookie).ok();
        self
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response =
            Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, self.location);
        if let Some(cookie) = self.cookie {
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
        fn a7_no_text_becomes_a_second_header(location in any::<String>(), cookie in any::<String>()) {
            let Ok(redirect) = SeeOther::to(&location) else { return Ok(()) };
            let response = redirect.with_cookie(&cookie).into_response();
            let headers = response.headers();
            prop_assert_eq!(headers.get(header::LOCATION).unwrap().as_bytes(), location.as_bytes());
            let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
            prop_assert!(headers.len() == 1 + cookies.len() && cookies.len() <= 1);
            prop_assert!(cookies.iter().all(|value| value.as_bytes() == cookie.as_bytes()));
            let values = headers.iter().flat_map(|(_, value)| value.as_bytes());
            prop_assert!(!values.copied().any(|byte| b"\r\n\0".contains(&byte)));
        }
    }
}
