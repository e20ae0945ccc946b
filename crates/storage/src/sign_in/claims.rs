//! Who holds which verified address.

use std::collections::HashSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vestibule_domain::{EmailAddress, UserId};

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

/// The keys of the addresses that a user holds.
pub(super) async fn list_held(
    connection: &mut Connection,
    user: &UserId,
) -> Result<HashSet<String>, Failure> {
    let select = verified_emails::table
        .filter(verified_emails::user_id.eq(user.as_str()))
        .select(verified_emails::address);
    Ok(query!(connection, |c| select.load::<String>(c))?.into_iter().collect())
}

/// Which of its verified addresses an identity stands for: the user's present one, else another that the user holds,
/// else the one that the provider prefers.
pub(super) fn choose<'a>(
    verified: &'a [EmailAddress],
    held: &HashSet<String>,
    present: Option<&EmailAddress>,
) -> Option<&'a EmailAddress> {
    let present = present.map(EmailAddress::key);
    let is_held = |address: &&EmailAddress| held.contains(&address.key());
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

/// Frees the addresses that none of the user's identities states any more.
pub(super) async fn release_unstated(connection: &mut Connection, user: &UserId) -> Result<(), Failure> {
    let stated = identities::table
        .filter(identities::user_id.eq(verified_emails::user_id))
        .filter(identities::email_verified)
        .filter(lower(identities::email).eq(verified_emails::address.nullable()));
    let delete = diesel::delete(
        verified_emails::table.filter(verified_emails::user_id.eq(user.as_str())).filter(not(exists(stated))),
    );
    query!(connection, |c| delete.execute(c)).map(drop)
}

/// The user's present address, as long as the user still holds it.
pub(super) async fn keep(
    connection: &mut Connection,
    user: &UserId,
    present: Option<EmailAddress>,
) -> Result<Option<EmailAddress>, Failure> {
    let held = list_held(connection, user).await?;
    Ok(present.filter(|address| held.contains(&address.key())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_address_is_preferred_then_a_held_one_then_the_providers_choice() {
        let all: Vec<_> = ["a@x.y", "B@x.y", "c@x.y"].map(|text| EmailAddress::parse(text).unwrap()).into();
        let held = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<HashSet<_>>();
        let chosen = |held: &HashSet<_>, present| choose(&all, held, present).map(EmailAddress::as_str);
        assert_eq!(chosen(&held(&["b@x.y", "c@x.y"]), Some(&all[2])), Some("c@x.y"));
        assert_eq!(chosen(&held(&["b@x.y", "c@x.y"]), None), Some("B@x.y"));
        assert_eq!(chosen(&held(&["other@x.y"]), Some(&all[1])), Some("a@x.y"));
        assert_eq!(choose(&[], &held(&["a@x.y"]), Some(&all[0])), None);
    }
}
