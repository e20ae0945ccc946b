//! What a receiver is told.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use vestibule_plugin_sdk::{Error, Map, PermissionRequest, Result, User, Value, json};

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

/// Tells what happened to a user.
pub(crate) fn event(event: Event, user: &User) -> Result<Vec<u8>> {
    body(event.as_str(), json!({ "user": describe(user) }))
}

fn body(kind: &'static str, data: Value) -> Result<Vec<u8>> {
    let timestamp = clock::now().format(&Rfc3339).map_err(Error::fatal)?;
    serde_json::to_vec(&Message { kind, timestamp, data }).map_err(Error::fatal)
}

/// The user as the host described one: members that are absent stay absent, unknown ones are passed on.
fn describe(user: &User) -> Map<String, Value> {
    let mut members = user.extra.clone();
    let optional = [
        ("name", &user.name),
        ("email", &user.email),
        ("username", &user.username),
        ("avatar_url", &user.avatar_url),
        ("provider_id", &user.provider_id),
    ];
    let present = optional.into_iter().filter_map(|(member, value)| Some((member, value.clone()?)));
    members.extend(present.map(|(member, value)| (member.to_owned(), value.into())));
    members.insert("id".to_owned(), user.id.clone().into());
    members.insert("attributes".to_owned(), user.attributes.clone().into());
    members
}
