//! Which organizations were seen under which login.
//!
//! A number is kept with every login that it was ever seen under, so that a login which has changed hands is known as such.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{LinkedIdentity, Organization, OrganizationId, OrganizationLogin};

use crate::db::{Connection, operation, query};
use crate::error::{OperationError, StorageError};
use crate::schema::organization_logins;
use crate::storage::Storage;

impl Storage {
    /// Lists the numbers of all organizations that were seen under a login, at configured providers.
    pub async fn list_organizations_by_login(
        &self,
        login: &OrganizationLogin,
    ) -> Result<BTreeSet<OrganizationId>, StorageError> {
        let read = operation!(
            list_organizations_by_login(key = login.key(), issuers = self.configured_issuers()),
            |connection| {
                let select = organization_logins::table
                    .filter(organization_logins::login.eq(key))
                    .filter(organization_logins::issuer.eq_any(issuers))
                    .select(organization_logins::id);
                let numbers = query!(connection, |c| select.load::<i64>(c))?;
                Ok(numbers.into_iter().filter_map(read_id).collect())
            }
        );
        self.db.read(read).await
    }

    /// Lists the logins that an organization was seen under, at configured providers.
    pub async fn list_logins_of_organization(
        &self,
        id: OrganizationId,
    ) -> Result<BTreeSet<String>, StorageError> {
        let read = operation!(
            list_logins_of_organization(id = write_id(id), issuers = self.configured_issuers()),
            |connection| {
                let select = organization_logins::table
                    .filter(organization_logins::id.eq(*id))
                    .filter(organization_logins::issuer.eq_any(issuers))
                    .select(organization_logins::login);
                Ok(query!(connection, |c| select.load::<String>(c))?.into_iter().collect())
            }
        );
        self.db.read(read).await
    }

    pub(crate) fn configured_issuers(&self) -> Vec<String> {
        self.providers.iter().map(|provider| provider.issuer.clone()).collect()
    }
}

fn read_id(number: i64) -> Option<OrganizationId> {
    u64::try_from(number).ok().and_then(OrganizationId::new)
}

/// INVARIANT: every id fits.
fn write_id(id: OrganizationId) -> i64 {
    i64::try_from(id.number()).unwrap_or(i64::MAX)
}

/// How many different numbers were seen under each of these logins at an issuer.
async fn seen(
    connection: &mut Connection,
    issuer: &str,
    logins: &[String],
) -> Result<HashMap<String, BTreeSet<i64>>, OperationError> {
    let select = organization_logins::table
        .filter(organization_logins::issuer.eq(issuer))
        .filter(organization_logins::login.eq_any(logins))
        .select((organization_logins::login, organization_logins::id));
    let mut seen: HashMap<String, BTreeSet<i64>> = HashMap::new();
    for (login, id) in query!(connection, |c| select.load::<(String, i64)>(c))? {
        seen.entry(login).or_default().insert(id);
    }
    Ok(seen)
}

/// Sets of each organization whether its login identifies it.
pub(crate) async fn mark_unique_logins(
    connection: &mut Connection,
    identities: &mut [LinkedIdentity],
) -> Result<(), OperationError> {
    for identity in identities.iter_mut().filter(|identity| !identity.organizations.is_empty()) {
        let keys: Vec<_> =
            identity.organizations.iter().map(|member| member.organization.login.key()).collect();
        let seen = seen(connection, &identity.identity.issuer, &keys).await?;
        for membership in &mut identity.organizations {
            let only = BTreeSet::from([write_id(membership.organization.id)]);
            membership.login_is_unique = seen.get(&membership.organization.login.key()) == Some(&only);
        }
    }
    Ok(())
}

/// Stores the logins of these organizations. Writes only what is new.
pub(crate) async fn note_logins(
    connection: &mut Connection,
    issuer: &str,
    organizations: &[Organization],
) -> Result<(), OperationError> {
    if organizations.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = organizations.iter().map(|organization| organization.login.key()).collect();
    let seen = seen(connection, issuer, &keys).await?;
    for (organization, login) in organizations.iter().zip(keys) {
        let id = write_id(organization.id);
        if seen.get(&login).is_some_and(|known| known.contains(&id)) {
            continue;
        }
        let row = (
            organization_logins::issuer.eq(issuer),
            organization_logins::login.eq(login),
            organization_logins::id.eq(id),
        );
        let insert = diesel::insert_into(organization_logins::table).values(row).on_conflict_do_nothing();
        query!(connection, |c| insert.execute(c))?;
    }
    Ok(())
}
