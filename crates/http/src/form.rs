//! The body of a POST: a form, or nothing at all, which is what existing clients send.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::marker::PhantomData;
use std::time::Duration;

use poem::http::header;
use poem::web::Multipart;
use poem::{Body, FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, copy, sink};
use tokio::time::timeout;
use url::form_urlencoded;

use crate::error::ApiError;
use crate::parameters::{USER_TOKEN, duplicate};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// How much of a body that is refused is read all the same, and for how long.
const MAX_PASSED_OVER_BYTES: u64 = 16 * 1024 * 1024;
const PASS_OVER_TIMEOUT: Duration = Duration::from_secs(3);

/// The form that came to an operation. `F` lists the fields that the operation looks at, for the document. Each may be a parameter
/// of the query instead, each counts once, and all others are ignored.
pub(crate) struct Form<F> {
    fields: BTreeMap<String, String>,
    documented: PhantomData<fn() -> F>,
}

impl<F> Form<F> {
    fn empty() -> Self {
        Self { fields: BTreeMap::new(), documented: PhantomData }
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The value of a parameter that may be in the query or in the form, and not in both with different values.
    pub(crate) fn field_or<'a>(
        &'a self,
        name: &str,
        query: Option<&'a str>,
    ) -> Result<Option<&'a str>, ApiError> {
        match (query, self.field(name)) {
            (Some(query), Some(field)) if query != field => Err(duplicate(name)),
            (query, field) => Ok(query.or(field)),
        }
    }

    /// A field counts once, as a parameter of the query does. A user token may come several times with one value; an empty one is none.
    fn insert(&mut self, name: String, value: String) -> Result<(), ApiError> {
        let is_token = name == USER_TOKEN;
        match self.fields.entry(name) {
            Entry::Vacant(vacant) => drop(vacant.insert(value)),
            Entry::Occupied(mut token) if is_token => match (token.get().as_str(), value.as_str()) {
                ("", _) => drop(token.insert(value)),
                (known, another) if another.is_empty() || known == another => {}
                _ => return Err(ApiError::ConflictingTokens),
            },
            Entry::Occupied(occupied) => return Err(duplicate(occupied.key())),
        }
        Ok(())
    }

    pub(crate) async fn read(request: &Request, body: &mut RequestBody) -> Result<Self, ApiError> {
        let content_type = request.content_type().unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("multipart/form-data") {
            return Self::read_multipart(request, body).await;
        }
        let bytes = read_bounded(body.take().map_err(|_| ApiError::UnreadableBody)?).await?;
        let mut form = Self::empty();
        if bytes.is_empty() {
            return Ok(form);
        }
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return Err(ApiError::UnsupportedBody);
        }
        for (name, value) in form_urlencoded::parse(&bytes) {
            form.insert(name.into_owned(), value.into_owned())?;
        }
        Ok(form)
    }

    async fn read_multipart(request: &Request, body: &mut RequestBody) -> Result<Self, ApiError> {
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        // A multipart body must say how long it is: its parts are read before the whole could be measured.
        match declared {
            Some(length) if length <= MAX_BODY_BYTES => {}
            Some(_) => {
                if let Ok(body) = body.take() {
                    pass_over(&mut body.into_async_read()).await;
                }
                return Err(ApiError::BodyTooLarge);
            }
            None => return Err(ApiError::UnreadableBody),
        }
        let mut parts = <Multipart as FromRequest>::from_request(request, body)
            .await
            .map_err(|_| ApiError::UnreadableBody)?;
        let mut form = Self::empty();
        while let Some(part) = parts.next_field().await.map_err(|_| ApiError::UnreadableBody)? {
            let name = part.name().unwrap_or_default().to_owned();
            form.insert(name, part.text().await.map_err(|_| ApiError::UnreadableBody)?)?;
        }
        Ok(form)
    }
}

/// The bytes of a body of at most 64 KiB.
pub(crate) async fn read_bounded(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut reader = body.into_async_read();
    let mut bytes = Vec::new();
    let read = (&mut reader).take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut bytes).await;
    if read.map_err(|_| ApiError::UnreadableBody)? > MAX_BODY_BYTES {
        pass_over(&mut reader).await;
        return Err(ApiError::BodyTooLarge);
    }
    Ok(bytes)
}

/// Reads a part of what is refused, and forgets it: a connection that closes under a client which still writes looks like a
/// failure of the network, and the answer is lost.
async fn pass_over(rest: &mut (impl AsyncRead + Unpin)) {
    let mut rest = rest.take(MAX_PASSED_OVER_BYTES);
    drop(timeout(PASS_OVER_TIMEOUT, copy(&mut rest, &mut sink())).await);
}

impl<'a, F: Type> ApiExtractor<'a> for Form<F> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        F::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let media = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Reference(F::name().into_owned()),
        };
        Some(MetaRequest {
            description: Some(
                "A form. A field may be a parameter of the query instead where the operation lists one.",
            ),
            content: vec![media("application/x-www-form-urlencoded"), media("multipart/form-data")],
            required: false,
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
