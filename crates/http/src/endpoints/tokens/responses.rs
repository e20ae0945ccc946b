//! What is told of tokens.

use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::{Any, Example};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{ApiToken, Timestamp};
use vestibule_flows::MadeToken;

use super::read::write_cursor;
use crate::paging::last_of_full;
use crate::responses::describe;

/// A token, without its text.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct TokenDocument {
    /// Its id.
    id: String,
    /// `personal`, or `role` for one of a role account.
    kind: String,
    /// What it is called.
    name: String,
    /// The last characters of its text.
    hint: String,
    /// The services that it may be used at; `*` for all.
    services: Vec<String>,
    /// The scopes that it lends.
    scopes: Vec<String>,
    /// What is kept with it.
    metadata: BTreeMap<String, Any<Value>>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// The id of the user who made it; `operator` for one of the command line.
    created_by: String,
    /// When it ends; null for one that does not.
    #[oai(nullable)]
    expires_at: Option<String>,
    /// When it was last used, to within five minutes; null before the first use.
    #[oai(nullable)]
    last_used_at: Option<String>,
    /// From which address.
    #[oai(nullable)]
    last_used_ip: Option<String>,
    /// The id of its user, in the list of everybody's tokens alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    user: Option<String>,
}

impl TokenDocument {
    /// The same, with the id of its user.
    fn with_user(token: &ApiToken) -> Self {
        Self { user: Some(token.user_id.to_string()), ..token.into() }
    }
}

impl From<&ApiToken> for TokenDocument {
    fn from(token: &ApiToken) -> Self {
        let metadata = token.metadata.as_object().iter();
        Self {
            id: token.id.to_string(),
            kind: token.kind.as_str().to_owned(),
            name: token.name.as_str().to_owned(),
            hint: token.hint.clone(),
            services: token.limits.services.words().into_iter().map(str::to_owned).collect(),
            scopes: token.limits.scopes.iter().map(ToString::to_string).collect(),
            metadata: metadata.map(|(name, value)| (name.clone(), Any(value.clone()))).collect(),
            created_at: token.created_at.to_rfc3339(),
            created_by: token.created_by.clone(),
            expires_at: token.expires_at.map(Timestamp::to_rfc3339),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            last_used_ip: token.last_used_ip.clone(),
            user: None,
        }
    }
}

impl Example for TokenDocument {
    fn example() -> Self {
        Self {
            id: "3f0a1c5e7d9b4e2c8a6f1d3b5c7e9a0b".into(),
            kind: "personal".into(),
            name: "nightly build".into(),
            hint: "x7Qz".into(),
            services: vec!["storage".into()],
            scopes: vec!["profile".into(), "read".into()],
            metadata: BTreeMap::from([("ticket".to_owned(), Any(json!("OPS-17")))]),
            created_at: "2026-11-22T10:08:33Z".into(),
            created_by: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
            expires_at: Some("2027-02-20T10:08:33Z".into()),
            last_used_at: None,
            last_used_ip: None,
            user: None,
        }
    }
}

/// A token that was made a moment ago, with its text.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct MadeTokenDocument {
    /// The token.
    #[serde(flatten)]
    #[oai(flatten)]
    about: TokenDocument,
    /// Its text, which is shown this once.
    token: String,
}

impl From<&MadeToken> for MadeTokenDocument {
    fn from(made: &MadeToken) -> Self {
        Self { about: (&made.token).into(), token: made.text.expose_secret().to_owned() }
    }
}

impl Example for MadeTokenDocument {
    fn example() -> Self {
        Self { about: TokenDocument::example(), token: "vstp_...".into() }
    }
}

/// A page of tokens.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct TokenList {
    /// The tokens, the latest first.
    tokens: Vec<TokenDocument>,
    /// Where the list goes on; null on the last page.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl TokenList {
    /// A page of at most `limit`; of everybody's tokens, with their users.
    pub(in crate::endpoints) fn new(tokens: &[ApiToken], limit: u32, is_everybodys: bool) -> Self {
        let last = last_of_full(tokens, limit);
        let to_document =
            |token| if is_everybodys { TokenDocument::with_user(token) } else { TokenDocument::from(token) };
        Self {
            tokens: tokens.iter().map(to_document).collect(),
            next_cursor: last.map(|last| write_cursor(last.created_at, &last.id)),
        }
    }
}

impl Example for TokenList {
    fn example() -> Self {
        Self { tokens: vec![TokenDocument::example()], next_cursor: None }
    }
}

describe! {
    TokenDocument: "The token as it is now.",
    MadeTokenDocument: "The token, with its text.",
    TokenList: "The tokens that are alive.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn tokens_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&TokenDocument::example());
        assert_written_as_documented(&MadeTokenDocument::example());
        assert_written_as_documented(&TokenList::example());
    }
}
