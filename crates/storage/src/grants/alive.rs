//! Which grants count.

use vestibule_domain::{Grant, Session, Timestamp, User};

use super::LiveGrant;
use super::row::GrantRow;
use crate::error::StorageError;
use crate::identities::row::IdentityRow;
use crate::sessions::row::SessionRow;
use crate::storage::Storage;
use crate::users::row::{UserRow, with_trusted_email};

/// The grants that are alive at a moment, with their users and sessions. A macro, because its type is long and the same expression is
/// read, and stands as a condition in statements that write. Whether a browser's session ended by not being used, and whether the
/// identity of the grant counts, is decided beside it in [`Storage::read_live_grant`]: no other statement changes that.
macro_rules! living_grants {
    ($now:expr) => {
        grants::table
            .inner_join(users::table)
            .left_join(sessions::table.on(sessions::id.nullable().eq(grants::session_id)))
            .filter(grants::revoked_at.is_null())
            .filter(grants::expires_at.gt($now.micros()))
            .filter(grants::user_generation.eq(users::generation))
            .filter(users::disabled_at.is_null())
            .filter(grants::session_id.is_null().or(crate::sessions::alive::has_not_ended!($now)))
    };
}
pub(super) use living_grants;

/// The columns of a [`GrantParts`].
macro_rules! grant_parts {
    () => {
        (
            GrantRow::as_select(),
            UserRow::as_select(),
            Option::<SessionRow>::as_select(),
            IdentityRow::as_select(),
        )
    };
}
pub(super) use grant_parts;

/// One row of a query about a grant: one for each identity of its user.
pub(super) type GrantParts = (GrantRow, UserRow, Option<SessionRow>, IdentityRow);

impl Storage {
    /// The grant of these rows, one for each identity of its user, if it is alive and the identity that it was made with counts now.
    pub(super) fn read_live_grant(
        &self,
        rows: Vec<GrantParts>,
        now: Timestamp,
    ) -> Result<Option<LiveGrant>, StorageError> {
        let stated: Vec<IdentityRow> = rows.iter().map(|(.., stated)| stated.clone()).collect();
        let Some((grant, user, session, _)) = rows.into_iter().next() else { return Ok(None) };
        let (grant, user) = (Grant::try_from(grant)?, User::try_from(user)?);
        let session = session.map(Session::try_from).transpose()?;
        let is_trusted = stated.iter().any(|row| row.is_trusted_as(&grant.provider_id, &self.providers));
        let is_running = session.as_ref().is_none_or(|session| session.is_running(now, &self.session_limits));
        let user = with_trusted_email(user, &stated, &self.providers);
        Ok((is_trusted && is_running).then_some(LiveGrant { grant, session, user }))
    }
}
