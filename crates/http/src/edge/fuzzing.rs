//! What the fuzzer asks of this layer.

use std::borrow::Cow;

use poem::Request;

pub(crate) fn find_parameter<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    super::direct::find_parameter(request, name)
}

pub(crate) fn is_well_formed_id(id: &str) -> bool {
    super::request_id::is_well_formed(id)
}
