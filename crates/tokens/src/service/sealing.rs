//! Sealing with the keys of the ring.

use crate::seal::Sealed;
use crate::{SealError, SealPurpose, TokenService};

impl TokenService {
    /// Seals a text for a purpose. Only a replica of this deployment opens it, and only for the same purpose.
    pub fn seal(&self, purpose: SealPurpose, plaintext: &[u8]) -> Result<String, SealError> {
        let ring = self.ring.load();
        let key = ring.signing(self.clock.now()).ok_or(SealError::NoKey)?;
        key.sealing().seal(purpose, &self.settings.issuer, self.randomness.bytes(), plaintext)
    }

    /// The plaintext of a text that was sealed for this purpose with a key that is still in the ring.
    pub fn open(&self, purpose: SealPurpose, sealed: &str) -> Option<Vec<u8>> {
        let sealed = Sealed::parse(purpose, sealed)?;
        let ring = self.ring.load();
        ring.find_sealing(sealed.key_id)?.sealing().open(purpose, &self.settings.issuer, sealed)
    }
}
