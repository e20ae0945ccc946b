//! Tokens of people and role accounts, and access tokens of programs: opaque texts that are found by their digest.
//!
//! INVARIANT: what has not the form of one, of whatever kind, never reaches the database; what has been read counts only while the change
//! feed vouches for it.

mod known;
mod live;

use std::sync::Arc;
use std::time::Instant;

use quick_cache::sync::Cache;
use vestibule_domain::{SecretDigest, Timestamp, error_chain};
use vestibule_storage::{Storage, StorageError};
use vestibule_tokens::{OpaqueError, OpaqueKind, OpaqueText};

pub(crate) use known::KnownToken;
pub(crate) use live::LiveToken;

use known::ByBytes;

use super::cache::MAX_AGE;
use super::{Authentication, Credentials, InvalidCredential, Principal, SessionNarrowing};
use crate::{FlowError, Flows};

const CAPACITY: usize = 8_192;
/// The most that all of them may take in memory, roughly.
const CAPACITY_BYTES: u64 = 8 * 1024 * 1024;

/// The tokens in use, bounded in number and memory. Those that are refused are not kept.
pub(crate) struct TokenCredentials {
    storage: Storage,
    kept: Cache<SecretDigest, Arc<KnownToken>, ByBytes>,
}

impl TokenCredentials {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { storage, kept: Cache::with_weighter(CAPACITY, CAPACITY_BYTES, ByBytes) }
    }

    /// The token as it is in memory, if that is still true.
    pub(super) fn find_fresh(&self, digest: &SecretDigest, now: Timestamp) -> Option<Arc<KnownToken>> {
        self.kept.get(digest).filter(|known| self.is_fresh(known, now))
    }

    fn is_fresh(&self, known: &KnownToken, now: Timestamp) -> bool {
        let moment = Instant::now();
        known.live.is_running(now, &self.storage.session_limits())
            && moment.saturating_duration_since(known.read_at) <= MAX_AGE
            && self.storage.changes().is_current(known.version, &known.records(), moment)
    }

    /// The token as the database knows it.
    async fn read(&self, token: LentText, now: Timestamp) -> Result<Option<Arc<KnownToken>>, StorageError> {
        let (changes, read_at, digest) = (self.storage.changes(), Instant::now(), token.digest);
        let point = changes.point();
        let Some(live) = self.find_live(token, now).await? else { return Ok(None) };
        let digest_text = digest.to_string();
        let version = changes.version_since(point, &live.records(&digest_text));
        let known = if let Some(version) = version {
            KnownToken::new(live, digest, version, read_at)
        } else {
            // Something has changed meanwhile; now it is known what to look at.
            let version = changes.version(&live.records(&digest_text));
            let Some(live) = self.find_live(token, now).await? else { return Ok(None) };
            KnownToken::new(live, digest, version, read_at)
        };
        self.kept.insert(digest, Arc::clone(&known));
        Ok(Some(known))
    }

    async fn find_live(&self, token: LentText, now: Timestamp) -> Result<Option<LiveToken>, StorageError> {
        Ok(match token.source {
            Source::Api => self.storage.find_live_api_token(&token.digest, now).await?.map(LiveToken::Api),
            Source::Access => {
                self.storage.find_access_token(&token.digest, now).await?.map(LiveToken::Access)
            }
        })
    }
}

/// A text that has the form of a token that people lend: what it is found by, and where.
#[derive(Clone, Copy)]
struct LentText {
    digest: SecretDigest,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// Tokens that people made, and those of role accounts.
    Api,
    /// Access tokens of programs.
    Access,
}

/// Reads a token that people lend; `None` for a text that has not our form.
fn read_text(credentials: Credentials<'_>) -> Option<Result<LentText, InvalidCredential>> {
    let text = match OpaqueText::parse(credentials.token?) {
        Ok(text) => text,
        Err(OpaqueError::Foreign) => return None,
        Err(OpaqueError::Damaged) => return Some(Err(InvalidCredential::Damaged)),
    };
    // Addresses are logged, and forms are what browsers send.
    if credentials.is_exposed {
        return Some(Err(InvalidCredential::Exposed));
    }
    let source = match text.kind() {
        OpaqueKind::PersonalToken | OpaqueKind::RoleToken => Source::Api,
        OpaqueKind::AccessToken => Source::Access,
        OpaqueKind::RefreshToken
        | OpaqueKind::ClientSecret
        | OpaqueKind::Registration
        | OpaqueKind::DeviceCode
        | OpaqueKind::AuthorizationCode => return Some(Err(InvalidCredential::OtherKind)),
    };
    Some(Ok(LentText { digest: text.digest(), source }))
}

impl Flows {
    /// Finds out for whom a token acts; `None` where the credentials are none.
    pub(super) async fn authenticate_lent(
        &self,
        credentials: Credentials<'_>,
        narrowing: SessionNarrowing,
    ) -> Result<Option<Authentication>, FlowError> {
        let found = match read_text(credentials) {
            None => return Ok(None),
            Some(Err(invalid)) => Err(invalid),
            Some(Ok(text)) => self.find_lent(text, credentials, narrowing).await?,
        };
        Ok(Some(match found {
            Ok(known) => Authentication::Authenticated(Principal::with_token(known)),
            Err(invalid) => Authentication::Invalid(self.note(invalid)),
        }))
    }

    async fn find_lent(
        &self,
        token: LentText,
        credentials: Credentials<'_>,
        narrowing: SessionNarrowing,
    ) -> Result<Result<Arc<KnownToken>, InvalidCredential>, FlowError> {
        let now = self.dependencies.clock.now();
        let known = match self.token_credentials.find_fresh(&token.digest, now) {
            Some(known) => Some(known),
            None => Box::pin(self.look_up(token, credentials, now)).await?,
        };
        let Some(known) = known else { return Ok(Err(InvalidCredential::UnknownToken)) };
        if let Some(refusal) = narrowing.refusal_without_session(known.live.auth_time(), now) {
            return Ok(Err(refusal));
        }
        self.admit_credential(known.live.id())?;
        if known.last_use.as_ref().is_some_and(|last| last.claim(now)) {
            Box::pin(self.note_use(&known, credentials, now)).await;
        }
        Ok(Ok(known))
    }

    /// Asks the database. Whoever has asked for too many that it does not know waits, also for what it may know.
    async fn look_up(
        &self,
        token: LentText,
        credentials: Credentials<'_>,
        now: Timestamp,
    ) -> Result<Option<Arc<KnownToken>>, FlowError> {
        self.admit_unknown_token(credentials.client)?;
        let known = self.token_credentials.read(token, now).await?;
        if known.is_some() {
            self.forgive_unknown_token(credentials.client);
        }
        Ok(known)
    }

    /// Notes that a token is in use. It is a convenience for its owner; failing must not fail the request.
    async fn note_use(&self, known: &KnownToken, credentials: Credentials<'_>, now: Timestamp) {
        let LiveToken::Api(live) = &known.live else { return };
        let ip = credentials.client.map(|address| address.to_string());
        let storage = &self.dependencies.storage;
        if let Err(error) = storage.touch_api_token(&live.token.id, ip.as_deref(), now).await {
            tracing::debug!(error = error_chain(&error), "the last use of a token was not noted");
        }
    }

    /// The same from memory alone, where nothing is to be written and nothing is refused.
    pub(super) fn authenticate_cached_lent(&self, credentials: Credentials<'_>) -> Option<Principal> {
        let token = read_text(credentials)?.ok()?;
        let now = self.dependencies.clock.now();
        let known = self.token_credentials.find_fresh(&token.digest, now)?;
        let is_due = known.is_use_due(now);
        (!is_due && self.admit_credential(known.live.id()).is_ok()).then(|| Principal::with_token(known))
    }

    /// The same principal as it stands now; `None` when its token or its user is no more.
    pub(super) async fn refresh_token(
        &self,
        known: Arc<KnownToken>,
    ) -> Result<Option<Principal>, StorageError> {
        let now = self.dependencies.clock.now();
        if self.token_credentials.is_fresh(&known, now) {
            return Ok(Some(Principal::with_token(known)));
        }
        // In a box: it is large, and most requests do not need it.
        let found = Box::pin(self.token_credentials.read(known.text(), now)).await?;
        if found.is_none() {
            self.note(InvalidCredential::UnknownToken);
        }
        // INVARIANT: what was decided while the token lent more is not given to one that lends less.
        Ok(found.filter(|found| found.rights == known.rights).map(Principal::with_token))
    }
}
