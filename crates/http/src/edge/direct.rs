//! The two operations that most requests are for, called without looking for them.
//!
//! On its way through routers and extractors a request is put into a box a dozen times, which costs as much as a
//! check itself. What is called here is the operation of the document, with the same parameters.

use std::borrow::Cow;
use std::sync::Arc;

use poem::http::Method;
use poem::web::Data;
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::Query;
use url::form_urlencoded;

use crate::App;
use crate::api::{PermissionsApi, SessionsApi};
use crate::credential::Credential;
use crate::failure::{Failure, Statuses};
use crate::problem::Problem;

#[derive(Clone, Copy)]
pub(crate) enum Direct {
    Check,
    Authorize,
}

impl Direct {
    /// Whether the request is for one of them.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/auth/check") => Some(Self::Check),
            (&Method::GET, "/auth/authorize") => Some(Self::Authorize),
            _ => None,
        }
    }

    /// Performs it.
    pub(crate) async fn call(self, app: &Arc<App>, request: &Request) -> Result<Response, Problem> {
        let credential = Credential::of(request);
        let parameter = |name| Query(find_parameter(request, name).map(Cow::into_owned));
        match self {
            Self::Check => answer(SessionsApi.check_session(Data(app), credential, parameter("next")).await),
            Self::Authorize => {
                answer(PermissionsApi.authorize_service(Data(app), credential, parameter("service")).await)
            }
        }
    }
}

pub(super) fn find_parameter<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value)
}

fn answer<T: IntoResponse, S: Statuses>(outcome: Result<T, Failure<S>>) -> Result<Response, Problem> {
    outcome.map(T::into_response).map_err(Failure::into_problem)
}
