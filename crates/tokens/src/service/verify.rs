//! Verifying user tokens.

use vestibule_domain::Timestamp;

use super::LEEWAY;
use crate::claims::{USER_TOKEN, UserClaims};
use crate::compact::Compact;
use crate::{TokenRefused, TokenService, UserTokenClaims};

impl TokenService {
    /// Who a user token is of, if it is one of ours and its time is not over. Everything that is cheap comes before the
    /// signature, and no claim is looked at before the signature is proven.
    pub fn verify_user_token(&self, token: &str) -> Result<UserTokenClaims, TokenRefused> {
        let now = self.clock.now();
        let token = Compact::parse(token, USER_TOKEN)?;
        let ring = self.ring.load();
        let key = ring.find_verifying(&token.kid, now, self.grace()).ok_or(TokenRefused::UnknownKey)?;
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
        require_time(claims.into_typed()?, now)
    }
}

fn require_time(claims: UserTokenClaims, now: Timestamp) -> Result<UserTokenClaims, TokenRefused> {
    if claims.expires_at.plus(LEEWAY) <= now {
        return Err(TokenRefused::Expired);
    }
    if claims.issued_at > now.plus(LEEWAY) {
        return Err(TokenRefused::IssuedInFuture);
    }
    Ok(claims)
}
