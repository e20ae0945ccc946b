//! The issuer's public keys (RFC 7517).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use vestibule_domain::ProviderName;

use super::algorithms::{AlgorithmSet, algorithm_of};
use super::discovery::MetadataSource;
use crate::cache::{Cache, Source};
use crate::error::{Step, StepError};
use crate::outbound::{self, OutboundClient};

/// Issuers publish two or three; what lies beyond this many is not looked at.
const MAX_KEYS: usize = 64;

/// A key that can check signatures.
struct Key {
    id: Option<String>,
    /// What makes it this key and no other: type, curve and numbers.
    numbers: AlgorithmParameters,
    /// All algorithms that this key may be used with.
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// The keys of an issuer that can check signatures, as far as we understand them.
pub(super) struct KeySet(Vec<Key>);

#[derive(Deserialize)]
pub(super) struct KeySetDocument {
    keys: Vec<Value>,
}

impl KeySet {
    /// Keys for encryption, of unknown types or of broken form are passed over: they stand there for others.
    pub(super) fn new(document: KeySetDocument) -> Self {
        let keys = document.keys.into_iter().take(MAX_KEYS);
        Self(keys.filter_map(Key::read).collect())
    }

    /// How many keys may have made a signature with one of these algorithms.
    pub(super) fn count_for(&self, algorithms: AlgorithmSet) -> usize {
        let fits = |key: &&Key| key.algorithms.iter().any(|algorithm| algorithms.contains(*algorithm));
        self.0.iter().filter(fits).count()
    }

    /// The keys that may have made a signature with this algorithm and key id. One that is published twice is one.
    pub(super) fn candidates(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<&DecodingKey> {
        let fits = |key: &&Key| {
            key.algorithms.contains(&algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id))
        };
        let fitting: Vec<&Key> = self.0.iter().filter(fits).collect();
        let is_new =
            |at: usize, key: &Key| fitting.iter().take(at).all(|earlier| earlier.numbers != key.numbers);
        let different = fitting.iter().enumerate().filter(|(at, key)| is_new(*at, key));
        different.map(|(_, key)| &key.decoding).collect()
    }
}

impl Key {
    /// Reads a key. The library knows not all names of algorithms, so that the name is looked at here.
    fn read(mut key: Value) -> Option<Self> {
        let stated = key.as_object_mut()?.remove("alg").filter(|name| !name.is_null());
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let common = &jwk.common;
        let for_signatures =
            common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        let mut algorithms = possible_algorithms(&jwk.algorithm).to_vec();
        if let Some(stated) = stated {
            let stated = algorithm_of(stated.as_str()?)?;
            algorithms.retain(|algorithm| *algorithm == stated);
        }
        if !for_signatures || algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id, numbers: jwk.algorithm, algorithms, decoding })
    }
}

/// Which algorithms a key's type and curve allow. A symmetric key in a public set is public itself and allows none.
fn possible_algorithms(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    match parameters {
        AlgorithmParameters::RSA(_) => {
            use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
            &[RS256, RS384, RS512, PS256, PS384, PS512]
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        _ => &[],
    }
}

/// Asks the issuer for its keys, at the address that its metadata gives.
pub(super) struct KeySource {
    provider: ProviderName,
    client: OutboundClient,
    metadata: Arc<Cache<MetadataSource>>,
}

impl KeySource {
    pub(super) fn new(
        provider: ProviderName,
        client: OutboundClient,
        metadata: Arc<Cache<MetadataSource>>,
    ) -> Self {
        Self { provider, client, metadata }
    }
}

#[async_trait]
impl Source for KeySource {
    type Value = KeySet;
    const STEP: Step = Step::Keys;

    fn provider(&self) -> &ProviderName {
        &self.provider
    }

    fn timeout(&self) -> Duration {
        self.client.shared_timeout()
    }

    async fn fetch(&self) -> Result<KeySet, StepError> {
        let unavailable = |reason| StepError::unavailable(Self::STEP, reason);
        let metadata = self.metadata.current().await?.value;
        let answer =
            self.client.get(&metadata.jwks_uri, "application/json", None).await.map_err(unavailable)?;
        outbound::json(&answer).map(KeySet::new).map_err(unavailable)
    }
}

#[cfg(test)]
mod tests;
