//! Reading the compact form of a token (RFC 7515 section 3.1) with everything refused that we never write ourselves.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use thiserror::Error;

/// Why a token is not accepted. For the log: a client learns no more than that it is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenRefused {
    /// Longer than any token of ours.
    #[error("the token is too large")]
    TooLarge,
    /// Not three parts that are not empty.
    #[error("the token does not have three parts")]
    Shape,
    /// A part is not base64url, is padded, or has bits left over.
    #[error("a part of the token is not canonical base64url")]
    Encoding,
    /// The header is not exactly `alg`, `typ` and `kid`, each once and a string.
    #[error("the header of the token is not one of ours")]
    Header,
    /// Another algorithm than RS256.
    #[error("the token names another algorithm")]
    Algorithm,
    /// A token of another kind.
    #[error("the token is of another kind")]
    Kind,
    /// No key of this id, or one that is retired.
    #[error("the token names a key that is not in use")]
    UnknownKey,
    /// The signature does not belong to the words.
    #[error("the signature of the token is wrong")]
    Signature,
    /// A claim is missing, repeated, of the wrong type, or not one of ours.
    #[error("the claims of the token are not as they should be")]
    Claims,
    /// Made by or for another deployment.
    #[error("the token is of another issuer")]
    Issuer,
    /// For another audience.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Issued at a time that has not come.
    #[error("the token comes from the future")]
    IssuedInFuture,
}

/// What a user token can be at most, in bytes. It travels in headers and addresses.
pub(crate) const MAX_USER_TOKEN_LEN: usize = 4096;

/// A token taken apart; nothing about it is proven yet.
pub(crate) struct Compact<'a> {
    /// What the signature is over: the first two parts as they came.
    pub(crate) message: &'a str,
    /// The third part.
    pub(crate) signature: &'a str,
    /// The key that the header names.
    pub(crate) kid: String,
    /// The JSON of the claims.
    pub(crate) payload: Vec<u8>,
}

/// The header members that we write. Any other (`crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`), or one twice, is refused: what we
/// do not read cannot change what a token means (RFC 8725 section 3.10).
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
    /// Takes a token apart and checks all that needs no key. The length comes first, so that the work is bounded.
    pub(crate) fn parse(token: &'a str, typ: &str) -> Result<Self, TokenRefused> {
        if token.len() > MAX_USER_TOKEN_LEN {
            return Err(TokenRefused::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRefused::Shape)?;
        let (header, payload) = message.split_once('.').ok_or(TokenRefused::Shape)?;
        if payload.contains('.') || [header, payload, signature].contains(&"") {
            return Err(TokenRefused::Shape);
        }
        decode(signature)?;
        let (header, payload) = (decode(header)?, decode(payload)?);
        Ok(Self { message, signature, kid: key_id(&header, typ)?, payload })
    }
}

fn key_id(header: &[u8], typ: &str) -> Result<String, TokenRefused> {
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| TokenRefused::Header)?;
    if header.alg != "RS256" {
        return Err(TokenRefused::Algorithm);
    }
    if header.typ != typ {
        return Err(TokenRefused::Kind);
    }
    Ok(header.kid.into_owned())
}

fn decode(part: &str) -> Result<Vec<u8>, TokenRefused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefused::Encoding)
}
