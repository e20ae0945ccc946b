//! What a permission provider is asked.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Error, Result, User};

/// Who wants permissions, and where.
#[derive(Clone, Copy)]
pub struct PermissionRequest<'a> {
    service: &'a str,
    user_id: &'a str,
    context_json: &'a str,
}

impl<'a> PermissionRequest<'a> {
    pub(crate) fn new(service: &'a str, user_id: &'a str, context_json: &'a str) -> Self {
        Self { service, user_id, context_json }
    }

    /// The service that the token is for, by the name that its clients use.
    pub fn service(&self) -> &'a str {
        self.service
    }

    /// The user's id.
    pub fn user_id(&self) -> &'a str {
        self.user_id
    }

    /// The rest of what the host knows about the user. It is read only here, so whoever needs only the id pays nothing.
    pub fn user(&self) -> Result<User> {
        #[derive(Deserialize)]
        struct Context {
            user: User,
        }
        let context: Context = serde_json::from_str(self.context_json)
            .map_err(|_| Error::fatal("the host's context has another form than expected"))?;
        Ok(context.user)
    }

    /// The whole context, with members that this SDK does not know.
    pub fn context(&self) -> Result<Map<String, Value>> {
        serde_json::from_str(self.context_json)
            .map_err(|_| Error::fatal("the host's context is not an object"))
    }
}
