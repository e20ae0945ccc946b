//! Who holds which verified address.

use std::collections::HashSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{EmailAddress, IdentityKey, User, UserId};

use crate::db::{Connection, query};
use crate::error::Failure;
use crate::schema::{identities, lower, verified_emails};

/// The first of these addresses that some user holds, and that user.
pub(super) async fn find_first_holder(
    connection: &mut Connection,
    addresses: &[EmailAddress],
) -> Result<Option<(String, EmailAddress)>, Failure> {
    if addresses.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = addresses.iter().map(EmailAddress::key).collect();
    let select = verified_emails::table
        .filter(verified_emails::address.eq_any(&keys))
        .select((verified_emails::address, verified_emails::user_id));
    let held = query!(connection, |c| select.load::<(String, String)>(c))?;
    Ok(addresses.iter().find_map(|address| {
        let key = address.key();
        let (_, holder) = held.iter().find(|(held, _)| *held == key)?;
        Some((holder.clone(), address.clone()))
    }))
}

/// The addresses that a user holds, and which of the user's identities state them.
pub(super) struct Held {
    keys: HashSet<String>,
    statements: Vec<(String, IdentityKey)>,
}

impl Held {
    pub(super) fn contains(&self, address: &EmailAddress) -> bool {
        self.keys.contains(&address.key())
    }

    /// Those that stay when this identity states `chosen`, whatever it stated before.
    fn staying(&self, identity: &IdentityKey, chosen: Option<&EmailAddress>) -> HashSet<&str> {
        let by_others = self.statements.iter().filter(|(_, by)| by != identity);
        let mut staying: HashSet<&str> = by_others.map(|(key, _)| key.as_str()).collect();
        let chosen = chosen.map(EmailAddress::key);
        staying.extend(self.keys.get(chosen.as_deref().unwrap_or_default()).map(String::as_str));
        staying
    }
}

/// What a user holds. To be asked when the user is locked.
pub(super) async fn list_held(connection: &mut Connection, user: &UserId) -> Result<Held, Failure> {
    type Row = (String, Option<(String, String)>);
    let statements = identities::table.on(identities::user_id
        .eq(verified_emails::user_id)
        .and(identities::email_verified)
        .and(lower(identities::email).eq(verified_emails::address.nullable())));
    let select = verified_emails::table
        .left_join(statements)
        .filter(verified_emails::user_id.eq(user.as_str()))
        .select((verified_emails::address, (identities::issuer, identities::subject).nullable()));
    let rows = query!(connection, |c| select.load::<Row>(c))?;
    let statements = rows.iter().filter_map(|(address, by)| {
        let (issuer, subject) = by.clone()?;
        Some((address.clone(), IdentityKey { issuer, subject }))
    });
    Ok(Held {
        statements: statements.collect(),
        keys: rows.iter().map(|(address, _)| address.clone()).collect(),
    })
}

/// Which of its verified addresses an identity stands for: the user's present one, else another that the user holds,
/// else the one that the provider prefers.
pub(super) fn choose<'a>(
    verified: &'a [EmailAddress],
    held: &Held,
    present: Option<&EmailAddress>,
) -> Option<&'a EmailAddress> {
    let present = present.map(EmailAddress::key);
    let is_held = |address: &&EmailAddress| held.contains(address);
    let is_present = |address: &&EmailAddress| present.as_ref() == Some(&address.key());
    let mut of_user = verified.iter().filter(is_held);
    verified.iter().filter(is_held).find(is_present).or_else(|| of_user.next()).or_else(|| verified.first())
}

/// Gives an address to a user if nobody holds it. False when somebody does, be it this very user.
pub(super) async fn claim(
    connection: &mut Connection,
    user: &UserId,
    address: &EmailAddress,
) -> Result<bool, Failure> {
    let insert = diesel::insert_into(verified_emails::table)
        .values((verified_emails::address.eq(address.key()), verified_emails::user_id.eq(user.as_str())))
        .on_conflict_do_nothing();
    Ok(query!(connection, |c| insert.execute(c))? == 1)
}

/// After an identity has stated `chosen`: gives that to the user if nobody holds it, frees what no identity of the user
/// states any more, and answers which address is the user's present one. Writes only what changes.
pub(super) async fn settle(
    connection: &mut Connection,
    held: &Held,
    identity: &IdentityKey,
    user: &User,
    chosen: Option<&EmailAddress>,
) -> Result<Option<EmailAddress>, Failure> {
    let staying = held.staying(identity, chosen);
    if staying.len() < held.keys.len() {
        release_unstated(connection, &user.id).await?;
    }
    match chosen {
        Some(address) => {
            if !held.contains(address) {
                claim(connection, &user.id, address).await?;
            }
            Ok(Some(address.clone()))
        }
        None => Ok(user.email.clone().filter(|address| staying.contains(address.key().as_str()))),
    }
}

/// Frees the addresses that none of the user's identities states any more.
async fn release_unstated(connection: &mut Connection, user: &UserId) -> Result<(), Failure> {
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
        let statements = statements.iter().map(|(key, by)| ((*key).to_owned(), identity(by)));
        Held { keys: keys.iter().map(|key| (*key).to_owned()).collect(), statements: statements.collect() }
    }

    fn identity(subject: &str) -> IdentityKey {
        IdentityKey { issuer: "https://issuer.example".to_owned(), subject: subject.to_owned() }
    }

    #[test]
    fn the_present_address_is_preferred_then_a_held_one_then_the_providers_choice() {
        let all: Vec<_> = ["a@x.y", "B@x.y", "c@x.y"].map(|text| EmailAddress::parse(text).unwrap()).into();
        let chosen =
            |keys: &[&str], present| choose(&all, &held(keys, &[]), present).map(EmailAddress::as_str);
        assert_eq!(chosen(&["b@x.y", "c@x.y"], Some(&all[2])), Some("c@x.y"));
        assert_eq!(chosen(&["b@x.y", "c@x.y"], None), Some("B@x.y"));
        assert_eq!(chosen(&["other@x.y"], Some(&all[1])), Some("a@x.y"));
        assert_eq!(choose(&[], &held(&["a@x.y"], &[]), Some(&all[0])), None);
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
}
