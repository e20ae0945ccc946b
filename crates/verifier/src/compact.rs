//! Taking a token apart (RFC 7515 section 3.1), as strictly as it was put together.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::VerifyError;

const MAX_TOKEN_LEN: usize = 128 * 1024;

/// A token taken apart; nothing about it is proven yet.
pub(crate) struct Compact<'a> {
    pub(crate) message: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) kid: String,
    pub(crate) payload: Vec<u8>,
}

/// Any other member is refused: what is not read here cannot change what a token means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(VerifyError::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(VerifyError::Malformed)?;
        if payload.contains('.') || [header, payload, signature].contains(&"") {
            return Err(VerifyError::Malformed);
        }
        decode(signature)?;
        let (header, payload) = (decode(header)?, decode(payload)?);
        Ok(Self { message, signature, kid: key_id(&header)?, payload })
    }
}

fn key_id(header: &[u8]) -> Result<String, VerifyError> {
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| VerifyError::Malformed)?;
    if header.alg != "RS256" {
        return Err(VerifyError::Algorithm);
    }
    if header.typ != "permission+jwt" {
        return Err(VerifyError::Kind);
    }
    Ok(header.kid.into_owned())
}

/// The engine refuses padding and bits left over, so that a token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)
}
