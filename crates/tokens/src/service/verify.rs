//! Verifying tokens.

use std::sync::Arc;

use vestibule_domain::Timestamp;

use super::LEEWAY;
use super::verified::{Proven, digest_of};
use crate::claims::{USER_TOKEN, UserClaims};
use crate::compact::{Compact, MAX_USER_TOKEN_LEN};
use crate::{KeyRing, TokenRefused, TokenService, UserTokenClaims};

impl TokenService {
    /// Who a user token is of, if it is one of ours and its time is not over. Everything that is cheap comes before the
    /// signature, and no claim is looked at before the signature is proven, now or at an earlier request.
    pub fn verify_user_token(&self, token: &str) -> Result<Arc<UserTokenClaims>, TokenRefused> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return Err(TokenRefused::TooLarge);
        }
        let now = self.clock.now();
        let ring = self.ring.load();
        let digest = digest_of(token);
        let proven = match self.verified.find(&digest) {
            // INVARIANT: the id is the key's thumbprint, so a key of this id is the one that signed.
            Some(proven) if ring.verifies_for(&proven.kid, now, self.grace()) => proven,
            Some(_) => return Err(TokenRefused::UnknownKey),
            None => {
                let proven = Arc::new(self.prove(token, &ring, now)?);
                self.verified.keep(digest, Arc::clone(&proven));
                proven
            }
        };
        require_time(&proven.claims, now)?;
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
        // What is over already is not worth remembering.
        require_time(&claims, now)?;
        Ok(Proven { kid: token.kid, claims: Arc::new(claims) })
    }
}

fn require_time(claims: &UserTokenClaims, now: Timestamp) -> Result<(), TokenRefused> {
    if claims.expires_at.plus(LEEWAY) <= now {
        return Err(TokenRefused::Expired);
    }
    if claims.issued_at > now.plus(LEEWAY) {
        return Err(TokenRefused::IssuedInFuture);
    }
    Ok(())
}
