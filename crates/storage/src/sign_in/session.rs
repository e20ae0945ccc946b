//! The session that a sign-in begins; or, where a browser signs in again as the same user, the one that it has.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{
    Actor, AuditEvent, AuditName, SecretDigest, Session, SessionId, SessionKind, SessionLimits, User, UserId,
};

use crate::audit;
use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::schema::{session_cookies, sessions, users};
use crate::sessions::alive::living_sessions;
use crate::sessions::begin::begin_session;
use crate::sessions::row::SessionRow;
use crate::sign_in::Decision;
use crate::sign_in::request::{BrowserCookies, SignIn, SignInOutcome};

/// How many browser sessions of one user live at once. One more ends the one that was unused longest.
const MOST_OF_A_USER: usize = 100;
/// The origin of the service's own cookies.
pub(crate) const OWN_ORIGIN: &str = "";

/// A session that begins or goes on.
pub(super) struct BegunSession {
    pub(super) session: Session,
    /// What happened to other sessions.
    pub(super) events: Vec<AuditEvent>,
    /// The sessions that are others than they were.
    pub(super) changed: Vec<SessionId>,
}

impl BegunSession {
    /// The decision to sign this user in.
    pub(super) fn into_decision(self, user: User, is_new: bool) -> Decision {
        let Self { session, events, changed } = self;
        Decision { outcome: SignInOutcome::SignedIn { user, session, is_new }, events, changed }
    }
}

/// The session that a sign-in asks for.
pub(super) fn session_of(sign_in: &SignIn, user: &UserId) -> Session {
    Session {
        id: sign_in.session_id.clone(),
        user_id: user.clone(),
        kind: if sign_in.browser.is_some() { SessionKind::Browser } else { SessionKind::Token },
        provider_id: sign_in.profile.provider_id(),
        created_at: sign_in.now,
        signed_in_at: sign_in.now,
        auth_time: sign_in.auth_time(),
        last_seen_at: sign_in.now,
        expires_at: sign_in.expires_at,
    }
}

/// Begins the session of a browser whose user's row is locked, or goes on with the one that it has if that is the same user's.
///
/// INVARIANT: whichever it is, the browser's old cookie is dead when this is committed, and only one of two tabs that sign in at
/// once keeps the session.
pub(super) async fn begin_in_browser(
    connection: &mut Connection,
    sign_in: &SignIn,
    cookies: &BrowserCookies,
    user: &UserId,
    limits: &SessionLimits,
) -> Result<BegunSession, OperationError> {
    let current = match &cookies.old {
        Some(old) => find_by_cookie(connection, sign_in, old, limits).await?.map(|session| (session, old)),
        None => None,
    };
    match current {
        Some((current, old)) if current.user_id == *user => {
            if let Some(session) = go_on(connection, sign_in, &current, (old, &cookies.new)).await? {
                let changed = vec![session.id.clone()];
                return Ok(BegunSession { session, events: Vec::new(), changed });
            }
            begin(connection, sign_in, &cookies.new, user, limits).await
        }
        Some((current, _)) => {
            let event = replace(connection, sign_in, &current, user).await?;
            let mut begun = begin(connection, sign_in, &cookies.new, user, limits).await?;
            begun.events.extend(event);
            begun.changed.push(current.id);
            Ok(begun)
        }
        None => begin(connection, sign_in, &cookies.new, user, limits).await,
    }
}

/// The living session of a cookie of the service itself.
async fn find_by_cookie(
    connection: &mut Connection,
    sign_in: &SignIn,
    cookie: &SecretDigest,
    limits: &SessionLimits,
) -> Result<Option<Session>, OperationError> {
    let hash = cookie.to_string();
    let select = living_sessions!(sign_in.now)
        .inner_join(session_cookies::table.on(session_cookies::session_id.eq(sessions::id)))
        .filter(session_cookies::hash.eq(hash))
        .filter(session_cookies::origin.eq(OWN_ORIGIN));
    let found = query!(connection, |c| select.select(SessionRow::as_select()).load::<SessionRow>(c))?;
    let session = found.into_iter().next().map(Session::try_from).transpose()?;
    Ok(session.filter(|session| session.is_running(sign_in.now, limits)))
}

/// Gives the session its new cookie and the facts of this sign-in. `None` when another tab was first, or the session has ended.
async fn go_on(
    connection: &mut Connection,
    sign_in: &SignIn,
    current: &Session,
    (old, new): (&SecretDigest, &SecretDigest),
) -> Result<Option<Session>, OperationError> {
    let rotate = diesel::update(session_cookies::table.find(old.to_string()))
        .filter(session_cookies::session_id.eq(current.id.as_str()))
        .filter(session_cookies::origin.eq(OWN_ORIGIN))
        .set((
            session_cookies::hash.eq(new.to_string()),
            session_cookies::created_at.eq(sign_in.now.micros()),
        ));
    if query!(connection, |c| rotate.execute(c))? != 1 {
        return Ok(None);
    }
    let session = Session {
        created_at: current.created_at,
        id: current.id.clone(),
        last_seen_at: current.last_seen_at.max(sign_in.now),
        ..session_of(sign_in, &current.user_id)
    };
    let client = &sign_in.client;
    let renew = diesel::update(sessions::table.find(session.id.as_str()))
        .filter(sessions::revoked_at.is_null())
        .set((
            sessions::provider_id.eq(&session.provider_id),
            sessions::issuer.eq(&sign_in.profile.identity.issuer),
            sessions::signed_in_at.eq(session.signed_in_at.micros()),
            sessions::auth_time.eq(session.auth_time.micros()),
            sessions::last_seen_at.eq(session.last_seen_at.micros()),
            sessions::expires_at.eq(session.expires_at.micros()),
            sessions::user_agent.eq(client.user_agent.as_deref()),
            sessions::ip.eq(client.ip.as_deref()),
        ));
    if query!(connection, |c| renew.execute(c))? == 1 {
        Ok(Some(session))
    } else {
        Err(OperationError::LostRace)
    }
}

/// Ends the session of the user whom another one replaces in this browser; with the event of that, unless it has ended meanwhile.
async fn replace(
    connection: &mut Connection,
    sign_in: &SignIn,
    current: &Session,
    by: &UserId,
) -> Result<Option<AuditEvent>, OperationError> {
    let end = diesel::update(sessions::table.find(current.id.as_str()))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(sign_in.now.micros()));
    if query!(connection, |c| end.execute(c))? == 0 {
        return Ok(None);
    }
    let event = AuditEvent::new(AuditName::SessionReplaced, Actor::User(by.clone()), sign_in.now)
        .for_user(&current.user_id)
        .from_client(&sign_in.client)
        .in_session(&current.id);
    audit::insert(connection, &event).await?;
    Ok(Some(event))
}

async fn begin(
    connection: &mut Connection,
    sign_in: &SignIn,
    cookie: &SecretDigest,
    user: &UserId,
    limits: &SessionLimits,
) -> Result<BegunSession, OperationError> {
    let session = session_of(sign_in, user);
    begin_session(connection, &session, &sign_in.profile.identity.issuer, &sign_in.client).await?;
    let insert = diesel::insert_into(session_cookies::table).values((
        session_cookies::hash.eq(cookie.to_string()),
        session_cookies::session_id.eq(session.id.as_str()),
        session_cookies::origin.eq(OWN_ORIGIN),
        session_cookies::created_at.eq(sign_in.now.micros()),
    ));
    query!(connection, |c| insert.execute(c))?;
    let events = end_surplus(connection, sign_in, user, limits).await?;
    let changed = events.iter().filter_map(|event| event.session.clone()).collect();
    Ok(BegunSession { session, events, changed })
}

/// Ends the browser sessions that are too many, those first that were unused longest.
async fn end_surplus(
    connection: &mut Connection,
    sign_in: &SignIn,
    user: &UserId,
    limits: &SessionLimits,
) -> Result<Vec<AuditEvent>, OperationError> {
    let alive = living_sessions!(sign_in.now)
        .filter(sessions::user_id.eq(user.as_str()))
        .filter(sessions::kind.eq(SessionKind::Browser.as_str()))
        .order((sessions::last_seen_at.desc(), sessions::created_at.desc()));
    let rows = query!(connection, |c| alive.select(SessionRow::as_select()).load::<SessionRow>(c))?;
    let all = rows.into_iter().map(Session::try_from).collect::<Result<Vec<_>, _>>()?;
    let running = all.into_iter().filter(|session| session.is_running(sign_in.now, limits));
    let mut events = Vec::new();
    for surplus in running.filter(|session| session.id != sign_in.session_id).skip(MOST_OF_A_USER - 1) {
        let end = diesel::update(sessions::table.find(surplus.id.as_str()))
            .set(sessions::revoked_at.eq(sign_in.now.micros()));
        query!(connection, |c| end.execute(c))?;
        let event = AuditEvent::by_user(AuditName::SessionEnded, user, &sign_in.client, sign_in.now)
            .in_session(&surplus.id)
            .with_detail("because", "too_many");
        audit::insert(connection, &event).await?;
        events.push(event);
    }
    Ok(events)
}
