//! Telling what the service has made, or says that it has, from what others made.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::TokenService;

/// What every opaque secret begins with, but for the letter of its kind.
const OPAQUE: &str = "vst";
/// What a session handle begins with; what is sealed follows.
pub const SESSION_HANDLE: &str = "vsth.";

/// Reads also what we would refuse: a damaged token of ours is still ours.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Default, Deserialize)]
struct Header {
    #[serde(default)]
    kid: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: serde_json::Value,
}

impl TokenService {
    /// Whether a text has the form of what we make, whatever its kind and whether or not it is good: an opaque secret of whatever
    /// kind, a session handle, or a signed token that names a key of ours or us as its issuer. Nobody else is asked about such a text:
    /// it may be good, or have been a moment ago.
    pub fn is_ours(&self, text: &str) -> bool {
        is_opaque(text) || text.starts_with(SESSION_HANDLE) || self.is_signed_by_us(text)
    }

    fn is_signed_by_us(&self, text: &str) -> bool {
        let mut parts = text.split('.');
        let (Some(header), Some(payload)) = (parts.next(), parts.next()) else { return false };
        let Header { kid } = read(header);
        let Claims { iss } = read(payload);
        iss == self.settings.issuer.as_str()
            || kid.as_str().is_some_and(|kid| self.ring.load().key_ids().contains(&kid))
    }
}

fn is_opaque(text: &str) -> bool {
    let mut rest = text.strip_prefix(OPAQUE).unwrap_or_default().bytes();
    rest.next().is_some_and(|letter| letter.is_ascii_alphanumeric()) && rest.next() == Some(b'_')
}

fn read<T: Default + for<'a> Deserialize<'a>>(part: &str) -> T {
    let json = LENIENT.decode(part).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}
