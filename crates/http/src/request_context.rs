//! A request as its operation reads it. Parsed once.

use std::borrow::Cow;

use poem::Request;
use poem_openapi::param::{Path, Query};
use vestibule_domain::ExternalAddress;

use crate::authn::{Accepts, PresentedCredentials};
use crate::parameters::Parameters;
use crate::path_pattern::PathPattern;

/// The id of a request, in its data.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Marks a request that asked for the headers alone. It goes on as GET, whose answer it is about.
#[derive(Clone, Copy)]
pub(crate) struct HeadersOnly;

/// What an operation reads of a request besides its body.
pub(crate) struct RequestContext<'r> {
    pub(crate) request: &'r Request,
    pub(crate) parameters: Parameters<'r>,
    /// Empty where the operation accepts none.
    pub(crate) credentials: PresentedCredentials<'r>,
    /// What the path names, decoded. `None` where the path has no parameter, or one that is not a single segment of UTF-8.
    path_parameter: Option<Cow<'r, str>>,
    /// The same, of a path that names two.
    path_parameters: Option<[Cow<'r, str>; 2]>,
}

impl<'r> RequestContext<'r> {
    /// Reads what an operation may look at. Without `cookies`, no session cookie counts.
    pub(crate) fn parse(
        request: &'r Request,
        accepts: Accepts,
        path: &PathPattern,
        cookies: Option<&ExternalAddress>,
    ) -> Self {
        let parameters = Parameters::parse(request);
        let credentials = PresentedCredentials::parse(request, &parameters, accepts, cookies);
        let path_parameter = path.parameter(request.uri().path());
        let path_parameters = path.parameters(request.uri().path());
        Self { request, parameters, credentials, path_parameter, path_parameters }
    }

    /// The value of a parameter of the query, for an operation.
    pub(crate) fn query(&self, name: &str) -> Query<Option<String>> {
        Query(self.parameters.find(name).map(str::to_owned))
    }

    /// The parameter of the path, for an operation.
    pub(crate) fn path(&self) -> Option<Path<String>> {
        self.path_parameter.as_ref().map(|text| Path(text.as_ref().to_owned()))
    }

    /// Both parameters of a path that has two.
    pub(crate) fn paths(&self) -> Option<[Path<String>; 2]> {
        let both = self.path_parameters.as_ref()?;
        Some(both.each_ref().map(|text| Path(text.as_ref().to_owned())))
    }
}
