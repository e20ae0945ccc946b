//! The parameters of a query. One counts once (RFC 6749 section 3.1): which of two values is meant, two readers may answer
//! differently.

use std::borrow::Cow;

use poem::Request;
use smallvec::SmallVec;
use url::form_urlencoded;

use crate::error::ApiError;

/// The name of the parameter that carries a user token. It may come several times with one value; the credentials look at that.
pub(crate) const USER_TOKEN: &str = "jwt";

/// More than any endpoint has, with room for what clients add of their own.
const MAX_PARAMETERS: usize = 64;

type Pair<'r> = (Cow<'r, str>, Cow<'r, str>);

/// Names and values, decoded, in their order.
pub(crate) struct Parameters<'r> {
    pairs: SmallVec<[Pair<'r>; 4]>,
    refused: Option<Refused>,
}

/// Why a query is refused.
#[derive(Debug, Clone)]
enum Refused {
    Duplicate(String),
    TooMany,
}

impl<'r> Parameters<'r> {
    /// Reads a query, up to the first thing that is wrong with it.
    pub(crate) fn parse(request: &'r Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let mut parameters = Self { pairs: SmallVec::new(), refused: None };
        for pair in form_urlencoded::parse(query.as_bytes()) {
            if let Some(refused) = parameters.refuse(&pair.0) {
                parameters.refused = Some(refused);
                break;
            }
            parameters.pairs.push(pair);
        }
        parameters
    }

    fn refuse(&self, name: &str) -> Option<Refused> {
        let is_token = name == USER_TOKEN;
        if !is_token && self.find(name).is_some() {
            return Some(Refused::Duplicate(name.to_owned()));
        }
        let alike = self.pairs.iter().filter(|(known, _)| (known == USER_TOKEN) == is_token);
        (self.pairs.len() >= MAX_PARAMETERS && alike.count() >= MAX_PARAMETERS).then_some(Refused::TooMany)
    }

    /// Refuses a query in which a parameter comes twice.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match &self.refused {
            None => Ok(()),
            Some(Refused::Duplicate(name)) => Err(duplicate(name)),
            Some(Refused::TooMany) => Err(ApiError::TooManyParameters { most: MAX_PARAMETERS }),
        }
    }

    /// The value of a parameter.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// The user tokens.
    pub(crate) fn user_tokens(&self) -> impl Iterator<Item = &Cow<'r, str>> {
        self.pairs.iter().filter(|(name, _)| name == USER_TOKEN).map(|(_, value)| value)
    }
}

/// Names the parameter, as far as its name is fit to be shown.
pub(crate) fn duplicate(name: &str) -> ApiError {
    ApiError::DuplicateParameter(name.chars().filter(char::is_ascii_graphic).take(32).collect())
}
