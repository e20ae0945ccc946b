//! The form of a line.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use vestibule_plugin_sdk::{Error, Result, User};

use crate::config::Personal;

/// RFC 3339 in UTC, with milliseconds always, so that lines sort by their texts.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

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

/// The members in their order. What is not here is not written, whatever the host says of a user.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'static str,
    user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

/// One line with its end. JSON has no line ends inside.
pub(crate) fn of(event: Event, user: &User, include: &[Personal], now: OffsetDateTime) -> Result<Vec<u8>> {
    let personal = |which, value| if include.contains(&which) { value } else { None };
    let line = Line {
        time: now.to_offset(time::UtcOffset::UTC).format(TIME).map_err(Error::fatal)?,
        event: event.as_str(),
        user_id: &user.id,
        username: user.username.as_deref(),
        provider_id: user.provider_id.as_deref(),
        name: personal(Personal::Name, user.name.as_deref()),
        email: personal(Personal::Email, user.email.as_deref()),
    };
    let mut text = serde_json::to_vec(&line).map_err(Error::fatal)?;
    text.push(b'\n');
    Ok(text)
}
