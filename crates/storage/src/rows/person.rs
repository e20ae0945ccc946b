//! Rows about who somebody is.

use diesel::prelude::*;
use serde_json::{Map, Value};
use vestibule_domain::{
    EmailAddress, EmailDomain, IdentityKey, KeptClaims, Organization, PersonIdentity, ProviderName,
    RoleAssignment, RoleName, RoleSubject, ServiceName, UserId,
};

use crate::error::StorageError;
use crate::schema::{identities, role_assignments};

#[derive(Queryable, Selectable)]
#[diesel(table_name = identities)]
pub(crate) struct PersonIdentityRow {
    issuer: String,
    subject: String,
    login: Option<String>,
    email: Option<String>,
    email_verified: bool,
    provider: String,
    claims: String,
    organizations: String,
}

impl TryFrom<PersonIdentityRow> for PersonIdentity {
    type Error = StorageError;

    fn try_from(row: PersonIdentityRow) -> Result<Self, StorageError> {
        Ok(Self {
            provider: ProviderName::parse(&row.provider).ok(),
            identity: IdentityKey { issuer: row.issuer, subject: row.subject },
            login: row.login,
            email: row.email.as_deref().map(read_email).transpose()?,
            email_verified: row.email_verified,
            claims: read_claims(&row.claims)?,
            organizations: read_organizations(&row.organizations)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = role_assignments)]
pub(crate) struct RoleRow {
    subject_kind: String,
    subject: String,
    role: String,
    service: Option<String>,
}

impl RoleRow {
    /// Kind and key of whom the role is assigned to.
    pub(crate) fn subject_key(&self) -> (String, String) {
        (self.subject_kind.clone(), self.subject.clone())
    }
}

impl TryFrom<RoleRow> for RoleAssignment {
    type Error = StorageError;

    fn try_from(row: RoleRow) -> Result<Self, StorageError> {
        let service = row.service.as_deref().map(ServiceName::parse).transpose();
        Ok(Self {
            role: RoleName::parse(&row.role)
                .map_err(|_| StorageError::InvalidValue("role_assignments.role"))?,
            subject: read_role_subject(&row.subject_kind, &row.subject)
                .ok_or(StorageError::InvalidValue("role_assignments.subject"))?,
            service: service.map_err(|_| StorageError::InvalidValue("role_assignments.service"))?,
        })
    }
}

fn read_role_subject(kind: &str, text: &str) -> Option<RoleSubject> {
    match kind {
        "user" => UserId::parse(text).ok().map(RoleSubject::User),
        "email" => EmailAddress::parse(text).ok().map(RoleSubject::Email),
        "domain" => EmailDomain::parse(text).ok().map(RoleSubject::Domain),
        "organization" => Organization::parse(text).ok().map(RoleSubject::Organization),
        _ => None,
    }
}

fn read_claims(text: &str) -> Result<KeptClaims, StorageError> {
    let wrong = || StorageError::InvalidValue("identities.claims");
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut claims = KeptClaims::default();
    for (name, value) in object {
        claims.keep(&name, value).map_err(|_| wrong())?;
    }
    Ok(claims)
}

fn read_organizations(text: &str) -> Result<Vec<Organization>, StorageError> {
    let wrong = |_| StorageError::InvalidValue("identities.organizations");
    let logins: Vec<String> =
        serde_json::from_str(text).map_err(|_| StorageError::InvalidValue("identities.organizations"))?;
    logins.iter().map(|login| Organization::parse(login).map_err(wrong)).collect()
}

/// The text in which claims are kept.
pub(crate) fn write_claims(claims: &KeptClaims) -> String {
    Value::Object(claims.as_object().clone()).to_string()
}

/// The text in which organizations are kept.
pub(crate) fn write_organizations(organizations: &[Organization]) -> String {
    organizations.iter().map(Organization::as_str).collect::<Value>().to_string()
}

fn read_email(text: &str) -> Result<EmailAddress, StorageError> {
    EmailAddress::parse(text).map_err(|_| StorageError::InvalidValue("identities.email"))
}
