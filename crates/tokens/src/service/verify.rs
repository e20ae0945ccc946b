//! Verifying tokens.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::Timestamp;

use super::LEEWAY;
use super::verified::{VerifiedToken, digest_of};
use crate::claims::{USER_TOKEN, UserClaims};
use crate::compact::{Compact, MAX_USER_TOKEN_LEN};
use crate::{KeyRing, TokenRefused, TokenService, UserTokenClaims};

/// How far the clock of another machine may be ahead when only the expiry of a token matters.
const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl TokenService {
    /// The claims of a user token that we issued and that has not expired. Cheap checks come before the signature, and no claim
    /// is read before the signature is verified, by this call or an earlier one.
    pub fn verify_user_token(&self, token: &str) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        let now = self.clock.now();
        let claims = self.verify_untimed(token, now)?;
        require_time(&claims, now)?;
        Ok(claims)
    }

    /// The same, but the token may be issued up to a day in the future: a sign-out is honoured whichever machine's clock made
    /// the token.
    pub fn verify_user_token_of_any_clock(&self, token: &str) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        let now = self.clock.now();
        let claims = self.verify_untimed(token, now)?;
        require_unexpired(&claims, now)?;
        if claims.issued_at > now.plus(MAX_CLOCK_AHEAD) {
            Err(TokenRefused::IssuedInFuture)
        } else {
            Ok(claims)
        }
    }

    fn verify_untimed(&self, token: &str, now: Timestamp) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return Err(TokenRefused::TooLarge);
        }
        let ring = self.ring.load();
        let digest = digest_of(token);
        let verified = match self.verified.find(&digest) {
            // INVARIANT: the id is the key's thumbprint, so a key of this id is the one that signed.
            Some(verified) if ring.verifies_for(&verified.kid, now, self.grace()) => verified,
            Some(_) => return Err(TokenRefused::UnknownKey),
            None => {
                let verified = Arc::new(self.verify_signature(token, &ring, now)?);
                // A token that is expired or not yet valid is not cached.
                if require_time(&verified.claims, now).is_ok() {
                    self.verified.insert(digest, Arc::clone(&verified));
                }
                verified
            }
        };
        Ok(Arc::clone(&verified.claims))
    }

    /// The claims of a token that was verified before and is still good, without checking its signature again. `None` means not
    /// cached; call `verify_user_token`.
    pub fn find_cached_user_token(&self, token: &str) -> Option<Arc<UserTokenClaims>> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return None;
        }
        let verified = self.verified.find(&digest_of(token))?;
        let now = self.clock.now();
        let is_good = self.ring.load().verifies_for(&verified.kid, now, self.grace())
            && require_time(&verified.claims, now).is_ok();
        is_good.then(|| Arc::clone(&verified.claims))
    }

    fn verify_signature(
        &self,
        token: &str,
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefused> {
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
        Ok(VerifiedToken { kid: token.kid, claims: Arc::new(claims) })
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
