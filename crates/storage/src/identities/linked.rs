//! The rows of `identities` with what providers stated, and the way from them to the domain.

use diesel::prelude::*;
use serde_json::{Map, Value, json};
use vestibule_domain::{
    EmailAddress, EmailVerification, IdentityKey, LinkedIdentity, Membership, Organization, OrganizationId,
    OrganizationLogin, ProviderName, UpstreamClaims,
};

use crate::error::StorageError;
use crate::schema::identities;

#[derive(Queryable, Selectable)]
#[diesel(table_name = identities)]
pub(crate) struct LinkedIdentityRow {
    issuer: String,
    subject: String,
    login: Option<String>,
    email: Option<String>,
    email_verified: bool,
    email_by_authority: bool,
    provider: String,
    claims: String,
    organizations: String,
}

impl LinkedIdentityRow {
    /// The name and the issuer of the provider.
    pub(crate) fn provider(&self) -> (&str, &str) {
        (&self.provider, &self.issuer)
    }

    /// How its address was verified.
    pub(crate) fn email_verification(&self) -> EmailVerification {
        EmailVerification::new(self.email_verified, self.email_by_authority)
    }

    /// The identity. Its organizations are not yet checked for unique logins.
    pub(crate) fn read(self) -> Result<LinkedIdentity, StorageError> {
        let provider = ProviderName::parse(&self.provider);
        Ok(LinkedIdentity {
            provider: provider.map_err(|_| StorageError::InvalidValue("identities.provider"))?,
            identity: IdentityKey { issuer: self.issuer, subject: self.subject },
            login: self.login,
            email: self.email.as_deref().map(read_identity_email).transpose()?,
            email_verified: self.email_verified,
            claims: read_claims(&self.claims)?,
            organizations: read_organizations(&self.organizations)?,
        })
    }
}

fn read_identity_email(text: &str) -> Result<EmailAddress, StorageError> {
    EmailAddress::parse(text).map_err(|_| StorageError::InvalidValue("identities.email"))
}

fn read_claims(text: &str) -> Result<UpstreamClaims, StorageError> {
    let wrong = || StorageError::InvalidValue("identities.claims");
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut claims = UpstreamClaims::default();
    for (name, value) in object {
        claims.insert(&name, value).map_err(|_| wrong())?;
    }
    Ok(claims)
}

/// Skips logins without a number, which earlier versions stored.
fn read_organizations(text: &str) -> Result<Vec<Membership>, StorageError> {
    let wrong = || StorageError::InvalidValue("identities.organizations");
    let entries: Vec<Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let numbered = entries.iter().filter(|entry| !entry.is_string());
    numbered.map(|entry| read_organization(entry).ok_or_else(wrong)).collect()
}

fn read_organization(entry: &Value) -> Option<Membership> {
    let id = OrganizationId::new(entry.get("id")?.as_u64()?)?;
    let login = OrganizationLogin::parse(entry.get("login")?.as_str()?).ok()?;
    Some(Membership { organization: Organization { id, login }, login_is_unique: false })
}

/// The text in which claims are stored.
pub(crate) fn write_claims(claims: &UpstreamClaims) -> String {
    Value::Object(claims.as_object().clone()).to_string()
}

/// The text in which organizations are stored.
pub(crate) fn write_organizations(organizations: &[Organization]) -> String {
    let entry = |organization: &Organization| json!({"id": organization.id.number(), "login": organization.login.as_str()});
    organizations.iter().map(entry).collect::<Value>().to_string()
}
