//! Which user owns which verified address.

use std::collections::HashSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ConfiguredProviders, EmailAddress, IdentityKey, User, UserId};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::identities::row::IdentityRow;
use crate::schema::{identities, lower, verified_emails};

/// Finds the user who owns an address. A claim that no trusted identity verifies does not count: it was left by a provider that
/// is no longer configured, or whose addresses are no longer trusted.
pub(crate) async fn find_owner(
    connection: &mut Connection,
    address: &EmailAddress,
    providers: &ConfiguredProviders,
) -> Result<Option<String>, OperationError> {
    let claims = claims_on(connection, address).await?;
    let is_verified = |(_, stated): &(String, IdentityRow)| stated.verifies(address, providers);
    Ok(claims.into_iter().find(is_verified).map(|(owner, _)| owner))
}

/// The user who has claimed an address, one row for each of the user's identities.
async fn claims_on(
    connection: &mut Connection,
    address: &EmailAddress,
) -> Result<Vec<(String, IdentityRow)>, OperationError> {
    let select = verified_emails::table
        .inner_join(identities::table.on(identities::user_id.eq(verified_emails::user_id)))
        .filter(verified_emails::address.eq(address.key()));
    query!(connection, |c| select
        .select((verified_emails::user_id, IdentityRow::as_select()))
        .load::<(String, IdentityRow)>(c))
}

/// The addresses that a user owns, and which of the user's identities state them.
pub(crate) struct OwnedEmails {
    keys: HashSet<String>,
    statements: Vec<EmailStatement>,
}

/// One of the user's identities that states an address which the user owns.
struct EmailStatement {
    key: String,
    identity: IdentityKey,
    /// Whether the address is trusted beyond the identity.
    is_trusted: bool,
}

impl OwnedEmails {
    /// Whether the user owns an address, and a trusted identity verifies it.
    pub(crate) fn is_trusted(&self, address: &EmailAddress) -> bool {
        let key = address.key();
        self.statements.iter().any(|by| by.is_trusted && by.key == key)
    }

    fn contains(&self, address: &EmailAddress) -> bool {
        self.keys.contains(&address.key())
    }

    /// The addresses that remain when this identity states `chosen`, whatever it stated before.
    fn remaining(&self, identity: &IdentityKey, chosen: Option<&EmailAddress>) -> HashSet<&str> {
        let by_others = self.statements.iter().filter(|by| by.identity != *identity);
        let mut remaining: HashSet<&str> = by_others.map(|by| by.key.as_str()).collect();
        let chosen = chosen.map(EmailAddress::key);
        remaining.extend(self.keys.get(chosen.as_deref().unwrap_or_default()).map(String::as_str));
        remaining
    }

    /// Whether another identity than this one verifies an address.
    fn is_verified_by_another(&self, identity: &IdentityKey, address: &EmailAddress) -> bool {
        let key = address.key();
        self.statements.iter().any(|by| by.is_trusted && by.identity != *identity && by.key == key)
    }
}

/// The addresses that a user owns. The user must be locked.
pub(crate) async fn list_owned(
    connection: &mut Connection,
    user: &UserId,
    providers: &ConfiguredProviders,
) -> Result<OwnedEmails, OperationError> {
    let statements = identities::table.on(identities::user_id
        .eq(verified_emails::user_id)
        .and(identities::email_verified)
        .and(lower(identities::email).eq(verified_emails::address.nullable())));
    let select =
        verified_emails::table.left_join(statements).filter(verified_emails::user_id.eq(user.as_str()));
    let rows = query!(connection, |c| select
        .select((verified_emails::address, Option::<IdentityRow>::as_select()))
        .load::<(String, Option<IdentityRow>)>(c))?;
    let keys = rows.iter().map(|(address, _)| address.clone()).collect();
    let statements = rows.into_iter().filter_map(|(key, stated)| {
        let stated = stated?;
        let is_trusted = EmailAddress::parse(&key).is_ok_and(|address| stated.verifies(&address, providers));
        let identity = IdentityKey { issuer: stated.issuer, subject: stated.subject };
        Some(EmailStatement { key, identity, is_trusted })
    });
    Ok(OwnedEmails { statements: statements.collect(), keys })
}

/// Gives an address to a user if it has no owner. False when it has one, which may be this user.
pub(crate) async fn claim(
    connection: &mut Connection,
    user: &UserId,
    address: &EmailAddress,
    providers: &ConfiguredProviders,
) -> Result<bool, OperationError> {
    if claim_unclaimed(connection, user, address).await? {
        return Ok(true);
    }
    let claims = claims_on(connection, address).await?;
    match claims.as_slice() {
        [(owner, _), ..] if !claims.iter().any(|(_, stated)| stated.verifies(address, providers)) => {
            let delete = diesel::delete(verified_emails::table.find(address.key()))
                .filter(verified_emails::user_id.eq(owner));
            query!(connection, |c| delete.execute(c))?;
            claim_unclaimed(connection, user, address).await
        }
        _ => Ok(false),
    }
}

async fn claim_unclaimed(
    connection: &mut Connection,
    user: &UserId,
    address: &EmailAddress,
) -> Result<bool, OperationError> {
    let insert = diesel::insert_into(verified_emails::table)
        .values((verified_emails::address.eq(address.key()), verified_emails::user_id.eq(user.as_str())))
        .on_conflict_do_nothing();
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}

/// After an identity has stated `chosen`: gives it to the user if it has no owner, releases the addresses that no identity of
/// the user states any more, and returns the user's present address. Writes only what changes.
pub(crate) async fn update_ownership(
    connection: &mut Connection,
    owned: &OwnedEmails,
    identity: &IdentityKey,
    user: &User,
    chosen: Option<&EmailAddress>,
    providers: &ConfiguredProviders,
) -> Result<Option<EmailAddress>, OperationError> {
    let remaining = owned.remaining(identity, chosen);
    if remaining.len() < owned.keys.len() {
        release_unstated(connection, &user.id).await?;
    }
    match chosen {
        Some(address) => {
            if !owned.contains(address) {
                claim(connection, &user.id, address, providers).await?;
            }
            Ok(Some(address.clone()))
        }
        None => Ok(user.email.clone().filter(|address| owned.is_verified_by_another(identity, address))),
    }
}

/// Releases the addresses that none of the user's identities states any more.
pub(crate) async fn release_unstated(
    connection: &mut Connection,
    user: &UserId,
) -> Result<(), OperationError> {
    let stated = identities::table
        .filter(identities::user_id.eq(verified_emails::user_id))
        .filter(identities::email_verified)
        .filter(lower(identities::email).eq(verified_emails::address.nullable()));
    let delete = diesel::delete(
        verified_emails::table.filter(verified_emails::user_id.eq(user.as_str())).filter(not(exists(stated))),
    );
    query!(connection, |c| delete.execute(c)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(keys: &[&str], statements: &[(&str, &str)]) -> OwnedEmails {
        let statements = statements.iter().map(|(key, by)| {
            let (by, is_trusted) = by.strip_suffix('?').map_or((*by, true), |by| (by, false));
            EmailStatement { key: (*key).to_owned(), identity: identity(by), is_trusted }
        });
        OwnedEmails {
            statements: statements.collect(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    fn identity(subject: &str) -> IdentityKey {
        IdentityKey { issuer: "https://issuer.example".to_owned(), subject: subject.to_owned() }
    }

    #[test]
    fn an_address_stays_while_any_identity_states_it() {
        let (ada, king) = ("ada@x.y", "king@x.y");
        let owned = owned(&[ada, king, "old@x.y"], &[(ada, "1"), (king, "1"), (king, "2")]);
        let remaining = |subject, chosen: Option<&str>| {
            let chosen = chosen.map(|text| EmailAddress::parse(text).unwrap());
            let mut remaining: Vec<_> =
                owned.remaining(&identity(subject), chosen.as_ref()).into_iter().map(str::to_owned).collect();
            remaining.sort();
            remaining
        };
        assert_eq!(remaining("1", Some("ADA@x.y")), [ada, king]);
        assert_eq!(remaining("1", Some("new@x.y")), [king]);
        assert_eq!(remaining("1", None), [king]);
        assert_eq!(remaining("2", None), [ada, king]);
        assert_eq!(remaining("3", Some("old@x.y")), [ada, king, "old@x.y"]);
    }

    #[test]
    fn c18_what_an_identity_states_that_does_not_count_makes_nobody_the_holder() {
        let owned =
            owned(&["ada@x.y", "king@x.y"], &[("ada@x.y", "1?"), ("king@x.y", "1?"), ("king@x.y", "2")]);
        let address = |text| EmailAddress::parse(text).unwrap();
        assert!(!owned.is_trusted(&address("ada@x.y")) && owned.is_trusted(&address("King@x.y")));
        assert!(owned.is_verified_by_another(&identity("1"), &address("king@x.y")));
        assert!(!owned.is_verified_by_another(&identity("2"), &address("king@x.y")));
    }
}
