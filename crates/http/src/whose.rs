//! Whose things a request is about: the parameters `user` and `all`, by which administrators act.

use vestibule_domain::UserId;
use vestibule_flows::{FlowError, Whose};

use crate::error::ApiError;
use crate::members::wrong;
use crate::request_context::RequestContext;

/// Reads whose things are listed. Empty means absent.
pub(crate) fn whose(user: Option<&str>, all: Option<&str>) -> Result<Whose, ApiError> {
    match (self::user(user)?, everybody(all)?) {
        (None, false) => Ok(Whose::Own),
        (Some(user), false) => Ok(Whose::User(user)),
        (None, true) => Ok(Whose::Everybody),
        (Some(_), true) => Err(wrong("all", "everybody is asked for, and user names one")),
    }
}

/// Reads the user whose things an administrator acts on. Empty means absent; a text that is no id is the id of no user.
pub(crate) fn user(text: Option<&str>) -> Result<Option<UserId>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    UserId::parse(text).map(Some).map_err(|_| FlowError::NotFound("user").into())
}

fn everybody(text: Option<&str>) -> Result<bool, ApiError> {
    match text {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(wrong("all", "expected true or false")),
    }
}

/// Refuses both where each person acts for themselves alone, also an administrator: otherwise the wrong person would get what was
/// meant for another.
pub(crate) fn refuse_others(context: &RequestContext<'_>) -> Result<(), ApiError> {
    for name in ["user", "all"] {
        if context.query(name).0.is_some_and(|text| !text.is_empty()) {
            return Err(wrong(name, "this is done for oneself alone"));
        }
    }
    Ok(())
}

/// Refuses `all` where one user is named at a time.
pub(crate) fn refuse_everybody(context: &RequestContext<'_>) -> Result<(), ApiError> {
    let is_asked = everybody(context.query("all").0.as_deref())?;
    if is_asked { Err(wrong("all", "user names whose it is")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_is_named_or_everybody_and_nothing_is_guessed() {
        let ada = || UserId::parse("ada").unwrap();
        assert_eq!(whose(None, None).unwrap(), Whose::Own);
        assert_eq!(whose(Some(""), Some("")).unwrap(), Whose::Own);
        assert_eq!(whose(Some("ada"), Some("false")).unwrap(), Whose::User(ada()));
        assert_eq!(whose(None, Some("true")).unwrap(), Whose::Everybody);
        for all in ["1", "TRUE", "yes", " true"] {
            assert!(whose(None, Some(all)).unwrap_err().to_string().starts_with("all: "), "{all}");
        }
        assert!(whose(Some("ada"), Some("true")).unwrap_err().to_string().starts_with("all: "));
        assert_eq!(user(Some("a b")).unwrap_err().to_string(), "there is no such user");
    }
}
