//! The key ring: every key in use, checked, in the order in which they become active.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use vestibule_domain::Timestamp;

use crate::key::{Key, PrivateKey, PublicKey};
use crate::schedule::{Schedule, Slot};
use crate::seal::SealingKeyId;
use crate::{KeyFault, KeyInfo, KeyState, folder, sha256};

/// Why there is no key ring, or no new key. Names the file at fault and the reason, never the key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The private key of the settings.
    #[error("private key: {0}")]
    PrivateKey(KeyFault),
    /// The public key of the settings.
    #[error("public key: {0}")]
    PublicKey(KeyFault),
    /// A file of the folder.
    #[error("{}: {fault}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The folder is missing, or holds no `*.pem`.
    #[error("there is no key in {}", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// Other users may put keys into the folder, or one of them owns it.
    #[error("{0}")]
    Folder(vestibule_file_permissions::Fault),
    /// A file or the folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The cryptographic library made no key.
    #[error("no key could be generated")]
    Generation,
    /// The time of activation lies outside the years 0 to 9999.
    #[error("the time from which the key is to be active cannot be written")]
    ActivationTime,
}

/// One key of the ring.
pub(crate) struct RingKey {
    pub(crate) key: Key,
    pub(crate) active_from: Timestamp,
    /// Where it was read; empty for a key of the settings.
    pub(crate) file: PathBuf,
}

/// An unchanging set of checked keys. What each of them does depends on the moment that is asked about.
pub struct KeyRing {
    keys: Vec<RingKey>,
    schedule: Schedule,
}

impl KeyRing {
    /// A ring of one key, from the settings. The private key is PKCS#1 or PKCS#8; the public one, if it is given,
    /// PKCS#1 or `SubjectPublicKeyInfo`, and must be its other half. Each with real line ends, with `\n` escapes, or in
    /// base64 as a whole.
    pub fn from_pem(private: &SecretString, public: Option<&str>) -> Result<Self, KeyError> {
        let key = Key::from_pem(private.expose_secret()).map_err(KeyError::PrivateKey)?;
        if key.as_private().is_none() {
            return Err(KeyError::PrivateKey(KeyFault::PublicGiven));
        }
        if let Some(text) = public {
            require_match(&key, text).map_err(KeyError::PublicKey)?;
        }
        let active_from = Timestamp::from_seconds(0);
        Ok(Self::new(vec![RingKey { key, active_from, file: PathBuf::new() }]))
    }

    /// A ring of every `*.pem` in a folder. One bad file refuses the whole, so that a key is never missed unnoticed.
    ///
    /// A file whose name does not say from when it is active counts from its modification time, or from `now` if that
    /// lies ahead.
    pub fn load_dir(dir: &Path, now: Timestamp) -> Result<Self, KeyError> {
        let keys = folder::read_keys(dir, now)?;
        if keys.is_empty() { Err(KeyError::Empty { folder: dir.to_owned() }) } else { Ok(Self::new(keys)) }
    }

    fn new(mut keys: Vec<RingKey>) -> Self {
        // The same key in two files is one key, and private if either file is.
        keys.sort_by(|a, b| order(a).cmp(&order(b)));
        keys.sort_by_key(|key| Reverse(key.key.as_private().is_some()));
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.key.public().kid().to_owned()));
        keys.sort_by(|a, b| order(a).cmp(&order(b)));
        let slot =
            |key: &RingKey| Slot { active_from: key.active_from, can_sign: key.key.as_private().is_some() };
        let schedule = Schedule::new(keys.iter().map(slot).collect());
        Self { keys, schedule }
    }

    /// A digest of what the ring consists of: equal for two rings that behave alike.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut parts = Vec::new();
        for RingKey { key, active_from, .. } in &self.keys {
            parts.extend_from_slice(key.public().kid().as_bytes());
            parts.extend_from_slice(&active_from.micros().to_be_bytes());
            parts.push(u8::from(key.as_private().is_some()));
        }
        sha256(&parts)
    }

    /// The ids of all its keys, whatever they do now.
    pub fn key_ids(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.key.public().kid()).collect()
    }

    /// The private key that signs at a moment; `None` if the ring has only public keys.
    pub(crate) fn signing(&self, now: Timestamp) -> Option<&PrivateKey> {
        self.schedule.signing(now).and_then(|index| self.keys.get(index)).and_then(|key| key.key.as_private())
    }

    /// The public key to show as ours: that of the signing key, or the newest of a ring that cannot sign.
    pub(crate) fn current_public(&self, now: Timestamp) -> Option<&PublicKey> {
        self.signing(now).map(PrivateKey::public).or_else(|| self.keys.last().map(|key| key.key.public()))
    }

    /// The keys whose tokens are good at a moment, the coming ones included.
    pub(crate) fn published(&self, now: Timestamp, grace: Duration) -> impl Iterator<Item = &PublicKey> {
        self.keys
            .iter()
            .enumerate()
            .filter(move |(index, _)| self.is_in_use(*index, now, grace))
            .map(|(_, key)| key.key.public())
    }

    /// The key that a token names, if its tokens are good at this moment.
    pub(crate) fn find_verifying(&self, kid: &str, now: Timestamp, grace: Duration) -> Option<&PublicKey> {
        let named = |(_, key): &(usize, &RingKey)| key.key.public().kid() == kid;
        let (index, key) = self.keys.iter().enumerate().find(named)?;
        self.is_in_use(index, now, grace).then(|| key.key.public())
    }

    fn is_in_use(&self, index: usize, now: Timestamp, grace: Duration) -> bool {
        self.schedule.state(index, now, grace) != KeyState::Retired
    }

    /// Whether tokens of this key are good at this moment.
    pub(crate) fn verifies_for(&self, kid: &str, now: Timestamp, grace: Duration) -> bool {
        self.find_verifying(kid, now, grace).is_some()
    }

    /// The next moment after this one at which a key begins or ceases to do something.
    pub(crate) fn next_change(&self, now: Timestamp, grace: Duration) -> Option<Timestamp> {
        self.schedule.next_change(now, grace)
    }

    /// The private key that a sealed text names, whatever its state: what is sealed lives minutes, and the ring is ours.
    pub(crate) fn find_sealing(&self, id: SealingKeyId) -> Option<&PrivateKey> {
        self.keys.iter().filter_map(|key| key.key.as_private()).find(|key| key.sealing().id() == id)
    }

    pub(crate) fn describe(&self, now: Timestamp, grace: Duration) -> Vec<KeyInfo> {
        let info = |(index, key): (usize, &RingKey)| KeyInfo {
            kid: key.key.public().kid().to_owned(),
            file: key.file.clone(),
            bits: key.key.public().bits(),
            active_from: key.active_from,
            state: self.schedule.state(index, now, grace),
        };
        self.keys.iter().enumerate().map(info).collect()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.keys.iter().map(|key| key.key.public().kid())).finish()
    }
}

/// By time, and by name where the times are equal, so that every replica agrees on the newest.
fn order(key: &RingKey) -> (Timestamp, &Path) {
    (key.active_from, &key.file)
}

fn require_match(private: &Key, public: &str) -> Result<(), KeyFault> {
    match Key::from_pem(public)? {
        Key::Private(_) => Err(KeyFault::PrivateGiven),
        Key::Public(key) if key.kid() == private.public().kid() => Ok(()),
        Key::Public(_) => Err(KeyFault::Mismatch),
    }
}

#[cfg(test)]
mod tests;
