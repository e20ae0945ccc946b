//! Which sessions count.

/// What a session's own row and that of its user say of its being alive at a moment. Whether a browser's session ended by not being used
/// is decided beside it: by [`is_running`] in a statement that writes, and where it is read by
/// [`Session::is_running`](vestibule_domain::Session::is_running). A macro, because the columns may be those of a join that has none.
macro_rules! has_not_ended {
    ($now:expr) => {
        sessions::revoked_at
            .is_null()
            .and(sessions::expires_at.gt($now.micros()))
            .and(sessions::generation.eq(users::generation))
    };
}

/// The sessions that are alive at a moment, with their users. A macro, because a query has no type that could be written.
macro_rules! living_sessions {
    ($now:expr) => {
        sessions::table
            .inner_join(users::table)
            .filter(crate::sessions::alive::has_not_ended!($now))
            .filter(users::disabled_at.is_null())
    };
}

/// That a session has not ended by not being used or by its age, if it is a browser's.
macro_rules! is_running {
    ($now:expr, $limits:expr) => {{
        let used_since = $now.minus($limits.idle).micros();
        let signed_in_since = $now.minus($limits.max_age).micros();
        sessions::kind
            .ne(::vestibule_domain::SessionKind::Browser.as_str())
            .or(sessions::last_seen_at.gt(used_since).and(sessions::signed_in_at.gt(signed_in_since)))
    }};
}

pub(crate) use has_not_ended;
pub(crate) use is_running;
pub(crate) use living_sessions;
