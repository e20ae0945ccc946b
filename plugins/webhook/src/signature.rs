//! Signatures as the symmetric scheme of Standard Webhooks 1.0.0 has them.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use vestibule_plugin_sdk::{Error, Result};

/// How many bytes a secret may have ("Signature scheme": 24 bytes at least, 512 bits at most).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Signs with every secret at once, so that a receiver which knows one of them is content.
pub(crate) struct Signer(Vec<Key>);

impl Signer {
    /// Takes one secret, or two while one replaces the other.
    pub(crate) fn new(secrets: &[SecretString]) -> Result<Self> {
        if !(1..=2).contains(&secrets.len()) {
            return Err(Error::fatal("`secrets` must have one member, or two while one replaces the other"));
        }
        secrets.iter().map(key).collect::<Result<_>>().map(Self)
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        let signature = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, &content)));
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

/// Says what is wrong with a secret without a byte of it.
fn key(secret: &SecretString) -> Result<Key> {
    let encoded = secret.expose_secret().strip_prefix("whsec_");
    let encoded =
        encoded.ok_or_else(|| Error::fatal("a member of `secrets` does not begin with `whsec_`"))?;
    let bytes = STANDARD.decode(encoded);
    let bytes = bytes.map_err(|_| Error::fatal("a member of `secrets` is not base64 after `whsec_`"))?;
    if !SECRET_BYTES.contains(&bytes.len()) {
        return Err(Error::fatal("a member of `secrets` has fewer than 24 or more than 64 bytes"));
    }
    Ok(Key::new(HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secrets: &[&str]) -> Result<Signer> {
        Signer::new(&secrets.iter().map(|secret| (*secret).into()).collect::<Vec<_>>())
    }

    /// Computed with the `hmac` of Python.
    #[test]
    fn two_secrets_make_two_signatures_in_their_order() {
        let secrets =
            ["whsec_dmVzdGlidWxlIGFza3MsIGEgd2ViaG9vayBhbnN3ZXI=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
        let body = br#"{"type":"permissions"}"#;
        let signed = |secrets: &[&str]| signer(secrets).unwrap().sign("msg_1", 1_700_000_000, body);
        assert_eq!(signed(&secrets[..1]), "v1,plF0eNVoSNwHwBSJVVpWLHCeWXIE81/kl2p6C+22knM=");
        assert_eq!(signed(&secrets), format!("{} {}", signed(&secrets[..1]), signed(&secrets[1..])));
    }

    #[test]
    fn a_secret_that_makes_no_sense_is_refused_without_being_told() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let good = format!("whsec_{}", STANDARD.encode([7; 24]));
        let cases: [&[&str]; 6] =
            [&[], &["hunter2"], &["whsec_hunter2!"], &[&short], &[&good, &long], &[&good, &good, &good]];
        for secrets in cases {
            let Err(error) = signer(secrets) else { panic!("{secrets:?}") };
            assert!(error.to_string().contains("`secrets`"), "{error}");
            assert!(secrets.iter().all(|secret| !error.to_string().contains(secret)), "{error}");
        }
    }
}
