//! From a row of the table of operations to the method that performs it.

use std::pin::Pin;
use std::sync::Arc;

use poem::{IntoResponse, RequestBody, Response};

use crate::app::App;
use crate::error::{ApiError, Documented, Statuses};
use crate::request_context::RequestContext;

/// Performs an operation, with the parameters that the document names. It is called from the table of operations: on its way
/// through the routers and extractors of the framework a request would be put into a dozen boxes.
pub(crate) type Handler = for<'a> fn(&'a Arc<App>, RequestContext<'a>, RequestBody) -> HandlerFuture<'a>;

/// The answer of a [`Handler`].
pub(crate) type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send + 'a>>;

/// Makes the handler of an operation out of the call of its method.
macro_rules! handler {
    ($name:ident($app:pat, $context:pat, $body:pat) => $call:expr) => {
        pub(crate) fn $name<'a>(
            $app: &'a ::std::sync::Arc<crate::app::App>,
            $context: crate::request_context::RequestContext<'a>,
            $body: ::poem::RequestBody,
        ) -> crate::endpoints::handler::HandlerFuture<'a> {
            Box::pin(async move { crate::endpoints::handler::respond($call.await) })
        }
    };
}
pub(super) use handler;

/// The answer, whatever it is.
pub(super) fn respond<T: IntoResponse, S: Statuses>(
    outcome: Result<T, Documented<S>>,
) -> Result<Response, ApiError> {
    outcome.map(T::into_response).map_err(Documented::into_error)
}
