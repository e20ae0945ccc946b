//! Failures that the operations for tokens and role accounts have in common.

use crate::error::Status;

pub(super) const MALFORMED: Status =
    Status::new(400, "What is asked for cannot be; the description names the member.");
pub(super) const NOBODY: Status = Status::new(
    401,
    "Not signed in; or (`session_not_fresh`) the person did not sign in within `STEP_UP_AGE`.",
);
pub(super) const NOT_THEIRS: Status = Status::new(
    403,
    "A credential of this kind may not do this (`wrong_credential`), the person does not administer the service \
     (`requirements_not_met`), or another site asks (`cross_origin`).",
);
pub(super) const NO_USER: Status = Status::new(404, "There is no such user.");
pub(super) const TOO_LARGE: Status = Status::new(413, "The body is longer than 64 KiB.");
pub(super) const NOT_JSON: Status = Status::new(415, "The body is not JSON.");
pub(super) const TOO_MANY: Status =
    Status::retry(429, "Too many were made by this account, or too many requests came.");
pub(super) const NOT_NOW: Status = Status::retry(503, "The database is out of reach.");

/// Names sets of failing statuses, whose answers say whose fault it is.
macro_rules! statuses {
    ($($name:ident: [$($status:expr),+];)+) => {
        $(pub(crate) struct $name;

        impl crate::error::Statuses for $name {
            const ALL: &'static [crate::error::Status] = &[$($status),+];
            const FORMAT: crate::error::ErrorFormat = crate::error::ErrorFormat::Typed;
        })+
    };
}
pub(super) use statuses;
