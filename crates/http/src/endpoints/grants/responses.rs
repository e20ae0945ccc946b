//! What people are told of what they lent.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use vestibule_domain::Grant;
use vestibule_flows::GrantPage;

use crate::endpoints::tokens::read::write_cursor;
use crate::responses::describe;

/// What a person lent to a program.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct GrantDocument {
    /// Its id.
    id: String,
    /// The client that it was lent to; null for a program of the person.
    #[oai(nullable)]
    client_id: Option<String>,
    /// What the program is called.
    client_name: String,
    /// The services that its tokens may be used at; `*` for all.
    services: Vec<String>,
    /// The scopes that they lend.
    scopes: Vec<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// When it was last refreshed, or made.
    last_used_at: String,
    /// When it ends in any case.
    expires_at: String,
    /// Whether it ends with the session in which it was made.
    session_bound: bool,
    /// The `User-Agent` that it was made with.
    #[oai(nullable)]
    user_agent: Option<String>,
    /// The address that it was made from.
    #[oai(nullable)]
    ip: Option<String>,
    /// The id of the user who lent it, in the list of everybody's grants alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    user: Option<String>,
}

impl GrantDocument {
    /// The same, with the id of its user.
    fn with_user(grant: &Grant) -> Self {
        Self { user: Some(grant.user_id.to_string()), ..grant.into() }
    }
}

impl From<&Grant> for GrantDocument {
    fn from(grant: &Grant) -> Self {
        Self {
            id: grant.id.to_string(),
            client_id: None,
            client_name: grant.client_name.as_str().to_owned(),
            services: grant.limits.services.words().into_iter().map(str::to_owned).collect(),
            scopes: grant.limits.scopes.iter().map(ToString::to_string).collect(),
            created_at: grant.created_at.to_rfc3339(),
            last_used_at: grant.last_used_at.to_rfc3339(),
            expires_at: grant.expires_at.to_rfc3339(),
            session_bound: grant.session_id.is_some(),
            user_agent: grant.user_agent.clone(),
            ip: grant.ip.clone(),
            user: None,
        }
    }
}

impl Example for GrantDocument {
    fn example() -> Self {
        Self {
            id: "7d9b4e2c8a6f1d3b5c7e9a0b3f0a1c5e".into(),
            client_id: None,
            client_name: "Phone".into(),
            services: vec!["storage".into()],
            scopes: ["email", "openid", "permissions", "profile"].map(str::to_owned).into(),
            created_at: "2026-11-22T10:08:33Z".into(),
            last_used_at: "2026-11-24T07:41:02Z".into(),
            expires_at: "2027-11-22T10:08:33Z".into(),
            session_bound: false,
            user_agent: Some("ExamplePhone/1.4".into()),
            ip: Some("203.0.113.7".into()),
            user: None,
        }
    }
}

/// A page of grants.
#[derive(Object, Serialize)]
#[oai(example)]
pub(crate) struct GrantList {
    /// The grants, the latest first.
    grants: Vec<GrantDocument>,
    /// Where the list goes on; null on the last page.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl GrantList {
    pub(super) fn new(page: &GrantPage, is_everybodys: bool) -> Self {
        let to_document =
            |grant| if is_everybodys { GrantDocument::with_user(grant) } else { GrantDocument::from(grant) };
        Self {
            grants: page.grants.iter().map(to_document).collect(),
            next_cursor: page.next.as_ref().map(|place| write_cursor(place.created_at, &place.id)),
        }
    }
}

impl Example for GrantList {
    fn example() -> Self {
        Self { grants: vec![GrantDocument::example()], next_cursor: None }
    }
}

describe! {
    GrantDocument: "The grant as it is now.",
    GrantList: "The grants that are alive.",
}

#[cfg(test)]
mod tests {
    use crate::responses::testing::assert_written_as_documented;

    use super::*;

    #[test]
    fn grants_are_written_as_the_document_describes_them() {
        assert_written_as_documented(&GrantDocument::example());
        assert_written_as_documented(&GrantList::example());
    }
}
