//! What is told of role accounts.

use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::{Any, Example};
use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{Description, DisplayName, RoleAccount, Timestamp, UserId, Username};

use crate::paging::last_of_full;
use crate::responses::describe;

/// A role account.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct RoleAccountDocument {
    /// Its id, as that of any user.
    id: String,
    /// Its name among all users.
    username: String,
    /// What it is called.
    #[oai(nullable)]
    name: Option<String>,
    /// What it is for.
    #[oai(nullable)]
    description: Option<String>,
    /// What is kept with it.
    metadata: BTreeMap<String, Any<Value>>,
    /// The id of its owner; null for one that administrators alone act on.
    #[oai(nullable)]
    owner: Option<String>,
    /// When it was disabled (RFC 3339); null while its tokens count.
    #[oai(nullable)]
    disabled_at: Option<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// The id of the user who made it; `operator` for one of the command line.
    created_by: String,
}

impl From<&RoleAccount> for RoleAccountDocument {
    fn from(account: &RoleAccount) -> Self {
        let user = &account.user;
        let metadata = account.metadata.as_object().iter();
        Self {
            id: user.id.to_string(),
            username: user.username.as_ref().map(Username::to_string).unwrap_or_default(),
            name: user.name.as_ref().map(DisplayName::as_str).map(str::to_owned),
            description: account.description.as_ref().map(Description::to_string),
            metadata: metadata.map(|(name, value)| (name.clone(), Any(value.clone()))).collect(),
            owner: account.owner.as_ref().map(UserId::to_string),
            disabled_at: user.disabled_at.map(Timestamp::to_rfc3339),
            created_at: account.created_at.to_rfc3339(),
            created_by: account.created_by.clone(),
        }
    }
}

impl Example for RoleAccountDocument {
    fn example() -> Self {
        Self {
            id: "b7d05a3c9e184f62a1c8d4e7f0932b56".into(),
            username: "backup".into(),
            name: Some("Nightly backups".into()),
            description: Some("copies everything at night".into()),
            metadata: BTreeMap::from([("ticket".to_owned(), Any(json!("OPS-17")))]),
            owner: Some("9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into()),
            disabled_at: None,
            created_at: "2026-11-22T10:08:33Z".into(),
            created_by: "9f2c1e7ab04d4c5c8a0e6d1f3b72c954".into(),
        }
    }
}

/// A page of role accounts.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct RoleAccountList {
    /// The role accounts, in the order of their usernames.
    role_accounts: Vec<RoleAccountDocument>,
    /// Where the list goes on; null on the last page.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl RoleAccountList {
    pub(super) fn new(accounts: &[RoleAccount], limit: u32) -> Self {
        let last = last_of_full(accounts, limit).and_then(|last| last.user.username.as_ref());
        Self {
            role_accounts: accounts.iter().map(RoleAccountDocument::from).collect(),
            next_cursor: last.map(Username::to_string),
        }
    }
}

impl Example for RoleAccountList {
    fn example() -> Self {
        Self { role_accounts: vec![RoleAccountDocument::example()], next_cursor: None }
    }
}

describe! {
    RoleAccountDocument: "The role account as it is now.",
    RoleAccountList: "The role accounts.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn role_accounts_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&RoleAccountDocument::example());
        assert_written_as_documented(&RoleAccountList::example());
    }
}
