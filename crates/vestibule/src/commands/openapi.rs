//! `vestibule openapi`.

use super::say;
use crate::failure::Failure;

pub(crate) fn print_openapi() -> Result<(), Failure> {
    say(vestibule_http::openapi_yaml().trim_end())
}
