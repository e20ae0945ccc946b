//! Verifying tokens.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::Timestamp;

use super::LEEWAY;
use super::verified::{Proven, digest_of};
use crate::claims::{USER_TOKEN, UserClaims};
use crate::compact::{Compact, MAX_USER_TOKEN_LEN};
use crate::{KeyRing, TokenRefused, TokenService, UserTokenClaims};

/// By how much the clock of another machine may be ahead, where only an end is asked for.
const MOST_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl TokenService {
    /// Who a user token is of, if it is one of ours and its time is not over. Everything that is cheap comes before the
    /// signature, and no claim is looked at before the signature is proven, now or at an earlier request.
    pub fn verify_user_token(&self, token: &str) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        let now = self.clock.now();
        let claims = self.verify_untimed(token, now)?;
        require_time(&claims, now)?;
        Ok(claims)
    }

    /// The same for a token that may be of later than this clock says, by a day at most: who signs out means it, whichever machine's
    /// clock made the token.
    pub fn verify_user_token_of_any_clock(&self, token: &str) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        let now = self.clock.now();
        let claims = self.verify_untimed(token, now)?;
        require_unexpired(&claims, now)?;
        if claims.issued_at > now.plus(MOST_AHEAD) { Err(TokenRefused::IssuedInFuture) } else { Ok(claims) }
    }

    fn verify_untimed(&self, token: &str, now: Timestamp) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return Err(TokenRefused::TooLarge);
        }
        let ring = self.ring.load();
        let digest = digest_of(token);
        let proven = match self.verified.find(&digest) {
            // INVARIANT: the id is the key's thumbprint, so a key of this id is the one that signed.
            Some(proven) if ring.verifies_for(&proven.kid, now, self.grace()) => proven,
            Some(_) => return Err(TokenRefused::UnknownKey),
            None => {
                let proven = Arc::new(self.prove(token, &ring, now)?);
                // What is over already, or not yet good, is not worth remembering.
                if require_time(&proven.claims, now).is_ok() {
                    self.verified.keep(digest, Arc::clone(&proven));
                }
                proven
            }
        };
        Ok(Arc::clone(&proven.claims))
    }

    /// The same for a token that was verified before and is still good, without any arithmetic on its signature. Nothing
    /// means only that it has to be verified.
    pub fn recall_user_token(&self, token: &str) -> Option<Arc<UserTokenClaims>> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return None;
        }
        let proven = self.verified.find(&digest_of(token))?;
        let now = self.clock.now();
        let is_good = self.ring.load().verifies_for(&proven.kid, now, self.grace())
            && require_time(&proven.claims, now).is_ok();
        is_good.then(|| Arc::clone(&proven.claims))
    }

    fn prove(&self, token: &str, ring: &KeyRing, now: Timestamp) -> Result<Proven, TokenRefused> {
        let token = Compact::parse(token, USER_TOKEN)?;
        let key = ring.find_verifying(&token.kid, now, self.grace()).ok_or(TokenRefused::UnknownKey)?;
        if token.signature.len() != key.encoded_signature_len() {
            return Err(TokenRefused::Signature);
        }
        if !key.verifies(token.message.as_bytes(), token.signature) {
            return Err(TokenRefused::Signature);
        }
        let claims = UserClaims::from_json(&token.payload)?;
        if claims.iss != self.settings.issuer {
            return Err(TokenRefused::Issuer);
        }
        if claims.aud != self.settings.issuer {
            return Err(TokenRefused::Audience);
        }
        let claims = claims.into_typed()?;
        Ok(Proven { kid: token.kid, claims: Arc::new(claims) })
    }
}

fn require_unexpired(claims: &UserTokenClaims, now: Timestamp) -> Result<(), TokenRefused> {
    if claims.expires_at.plus(LEEWAY) <= now { Err(TokenRefused::Expired) } else { Ok(()) }
}

fn require_time(claims: &UserTokenClaims, now: Timestamp) -> Result<(), TokenRefused> {
    require_unexpired(claims, now)?;
    if claims.issued_at > now.plus(LEEWAY) {
        return Err(TokenRefused::IssuedInFuture);
    }
    Ok(())
}
