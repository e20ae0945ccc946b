//! What a receiver is told.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use vestibule_plugin_sdk::{Error, Map, PermissionRequest, Result, TokenRequest, User, Value, json};

use crate::clock;

/// What happened to a user.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    Created,
    Login,
    Logout,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "user.created",
            Self::Login => "user.login",
            Self::Logout => "user.logout",
        }
    }
}

/// The body of a request.
#[derive(Serialize)]
struct Message {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Value,
}

/// Asks what a user may do at a service. What the host knows besides of the person leaves the house only on demand.
pub(crate) fn permissions(request: &PermissionRequest<'_>, send_identities: bool) -> Result<Vec<u8>> {
    let mut context = request.context()?;
    let user = context.remove("user").unwrap_or_default();
    let data = json!({
        "service": request.service(),
        "user_id": request.user_id(),
        "user": user,
        "context": if send_identities { context } else { Map::new() },
    });
    body("permissions", data)
}

/// Asks whom a token stands for.
pub(crate) fn token(request: &TokenRequest<'_>) -> Result<Vec<u8>> {
    body("token.resolve", json!({ "token": request.token(), "context": request.context()? }))
}

/// Tells what happened to a user.
pub(crate) fn event(event: Event, user: &User) -> Result<Vec<u8>> {
    body(event.as_str(), json!({ "user": user }))
}

fn body(kind: &'static str, data: Value) -> Result<Vec<u8>> {
    let timestamp = clock::now().format(&Rfc3339).map_err(Error::fatal)?;
    serde_json::to_vec(&Message { kind, timestamp, data }).map_err(Error::fatal)
}
