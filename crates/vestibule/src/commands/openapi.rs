//! `vestibule openapi`.

use super::support::say;
use crate::error::CommandError;

pub(crate) fn print_openapi() -> Result<(), CommandError> {
    say(vestibule_http::openapi_yaml().trim_end())
}
