//! Credentials by the place where a request carries them. What they are worth is for `flows` to say.

mod accepts;
mod presented;
mod request_source;

pub(crate) use accepts::Accepts;
pub(crate) use presented::{
    AnyCredentials, PageCookie, PresentedCredentials, RefreshToken, SessionCredentials,
};
pub(crate) use request_source::is_navigation;
