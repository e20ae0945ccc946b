//! Who holds which verified address.

use std::collections::HashSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{ConfiguredProviders, EmailAddress, IdentityKey, User, UserId};

use crate::db::{Connection, query};
use crate::error::OperationError;
use crate::identities::row::IdentityRow;
use crate::schema::{identities, lower, verified_emails};

/// Who holds an address. A claim that no identity vouches for which counts is as good as none: it is what a provider left
/// that is configured no more, or whose addresses count no more.
pub(crate) async fn find_holder(
    connection: &mut Connection,
    address: &EmailAddress,
    providers: &ConfiguredProviders,
) -> Result<Option<String>, OperationError> {
    let claims = claims_on(connection, address).await?;
    let vouched = |(_, stated): &(String, IdentityRow)| stated.verifies(address, providers);
    Ok(claims.into_iter().find(vouched).map(|(holder, _)| holder))
}

/// The user who has claimed an address, once for each of the user's identities.
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

/// The addresses that a user holds, and which of the user's identities state them.
pub(crate) struct Held {
    keys: HashSet<String>,
    statements: Vec<HeldBy>,
}

/// One of the user's identities that states an address which the user holds.
struct HeldBy {
    key: String,
    identity: IdentityKey,
    /// Whether that counts beyond the identity.
    counts: bool,
}

impl Held {
    /// Whether the user holds an address, and an identity vouches for it that counts.
    pub(crate) fn counts(&self, address: &EmailAddress) -> bool {
        let key = address.key();
        self.statements.iter().any(|by| by.counts && by.key == key)
    }

    fn contains(&self, address: &EmailAddress) -> bool {
        self.keys.contains(&address.key())
    }

    /// Those that stay when this identity states `chosen`, whatever it stated before.
    fn staying(&self, identity: &IdentityKey, chosen: Option<&EmailAddress>) -> HashSet<&str> {
        let by_others = self.statements.iter().filter(|by| by.identity != *identity);
        let mut staying: HashSet<&str> = by_others.map(|by| by.key.as_str()).collect();
        let chosen = chosen.map(EmailAddress::key);
        staying.extend(self.keys.get(chosen.as_deref().unwrap_or_default()).map(String::as_str));
        staying
    }

    /// Whether an identity besides this one vouches for an address.
    fn is_vouched_for_by_another(&self, identity: &IdentityKey, address: &EmailAddress) -> bool {
        let key = address.key();
        self.statements.iter().any(|by| by.counts && by.identity != *identity && by.key == key)
    }
}

/// What a user holds. To be asked when the user is locked.
pub(crate) async fn list_held(
    connection: &mut Connection,
    user: &UserId,
    providers: &ConfiguredProviders,
) -> Result<Held, OperationError> {
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
        let counts = EmailAddress::parse(&key).is_ok_and(|address| stated.verifies(&address, providers));
        let identity = IdentityKey { issuer: stated.issuer, subject: stated.subject };
        Some(HeldBy { key, identity, counts })
    });
    Ok(Held { statements: statements.collect(), keys })
}

/// Gives an address to a user if nobody holds it. False when somebody does, be it this very user.
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
        [(holder, _), ..] if !claims.iter().any(|(_, stated)| stated.verifies(address, providers)) => {
            let delete = diesel::delete(verified_emails::table.find(address.key()))
                .filter(verified_emails::user_id.eq(holder));
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

/// After an identity has stated `chosen`: gives that to the user if nobody holds it, frees what no identity of the user
/// states any more, and answers which address is the user's present one. Writes only what changes.
pub(crate) async fn settle(
    connection: &mut Connection,
    held: &Held,
    identity: &IdentityKey,
    user: &User,
    chosen: Option<&EmailAddress>,
    providers: &ConfiguredProviders,
) -> Result<Option<EmailAddress>, OperationError> {
    let staying = held.staying(identity, chosen);
    if staying.len() < held.keys.len() {
        release_unstated(connection, &user.id).await?;
    }
    match chosen {
        Some(address) => {
            if !held.contains(address) {
                claim(connection, &user.id, address, providers).await?;
            }
            Ok(Some(address.clone()))
        }
        None => Ok(user.email.clone().filter(|address| held.is_vouched_for_by_another(identity, address))),
    }
}

/// Frees the addresses that none of the user's identities states any more.
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

    fn held(keys: &[&str], statements: &[(&str, &str)]) -> Held {
        let statements = statements.iter().map(|(key, by)| {
            let (by, counts) = by.strip_suffix('?').map_or((*by, true), |by| (by, false));
            HeldBy { key: (*key).to_owned(), identity: identity(by), counts }
        });
        Held { statements: statements.collect(), keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    fn identity(subject: &str) -> IdentityKey {
        IdentityKey { issuer: "https://issuer.example".to_owned(), subject: subject.to_owned() }
    }

    #[test]
    fn an_address_stays_while_any_identity_states_it() {
        let (ada, king) = ("ada@x.y", "king@x.y");
        let held = held(&[ada, king, "old@x.y"], &[(ada, "1"), (king, "1"), (king, "2")]);
        let staying = |subject, chosen: Option<&str>| {
            let chosen = chosen.map(|text| EmailAddress::parse(text).unwrap());
            let mut staying: Vec<_> =
                held.staying(&identity(subject), chosen.as_ref()).into_iter().map(str::to_owned).collect();
            staying.sort();
            staying
        };
        assert_eq!(staying("1", Some("ADA@x.y")), [ada, king]);
        assert_eq!(staying("1", Some("new@x.y")), [king]);
        assert_eq!(staying("1", None), [king]);
        assert_eq!(staying("2", None), [ada, king]);
        assert_eq!(staying("3", Some("old@x.y")), [ada, king, "old@x.y"]);
    }

    #[test]
    fn c18_what_an_identity_states_that_does_not_count_makes_nobody_the_holder() {
        let held =
            held(&["ada@x.y", "king@x.y"], &[("ada@x.y", "1?"), ("king@x.y", "1?"), ("king@x.y", "2")]);
        let address = |text| EmailAddress::parse(text).unwrap();
        assert!(!held.counts(&address("ada@x.y")) && held.counts(&address("King@x.y")));
        assert!(held.is_vouched_for_by_another(&identity("1"), &address("king@x.y")));
        assert!(!held.is_vouched_for_by_another(&identity("2"), &address("king@x.y")));
    }
}
