//! A parameter counts once (RFC 6749 section 3.1): which of two values is meant, two readers may answer differently.

use poem::Request;
use url::form_urlencoded;

use crate::problem::Problem;

/// Refuses a query in which a parameter appears twice. `jwt` is left to the credential, which allows the same value in
/// several places.
pub(crate) fn refuse_repeated_parameters(request: &Request) -> Result<(), Problem> {
    let query = request.uri().query().unwrap_or_default();
    let mut seen: Vec<_> = Vec::new();
    for (name, _) in form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "jwt") {
        if seen.contains(&name) {
            return Err(repeated(&name));
        }
        if seen.len() >= MAX_PARAMETERS {
            return Err(Problem::UnreadableParameter("too many".to_owned()));
        }
        seen.push(name);
    }
    Ok(())
}

/// More than any endpoint has, with room for what clients add of their own.
const MAX_PARAMETERS: usize = 64;

/// Names the parameter, as far as its name is fit to be shown.
pub(crate) fn repeated(name: &str) -> Problem {
    Problem::RepeatedParameter(name.chars().filter(char::is_ascii_graphic).take(32).collect())
}
