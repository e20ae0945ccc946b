//! What the sources say that there is.

use std::collections::BTreeSet;

/// The kinds of credentials that a principal may have, as logs and plugins call them.
pub(super) fn credential_kinds() -> BTreeSet<&'static str> {
    let source = include_str!("../../crates/domain/src/credential.rs");
    let kinds: BTreeSet<_> =
        source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let (_, body) = source.split_once("pub enum CredentialKind {").expect("the enumeration");
    let (body, _) = body.split_once("\n}").expect("its end");
    let variants = body.lines().filter(|line| line.trim_end().ends_with(',')).count();
    assert_eq!(kinds.len(), variants, "each variant has one name");
    kinds
}

/// The operations whose row says that they accept a credential, by their ids.
pub(super) fn operations_with_credentials() -> BTreeSet<&'static str> {
    let source = include_str!("../../crates/http/src/operations.rs");
    let (_, table) = source.split_once("static OPERATIONS").expect("the table");
    let (table, _) = table.split_once("\n];").expect("its end");
    let rows = table.split("id: \"").skip(1).filter(|row| row.contains("accepts: Accepts::"));
    rows.filter_map(|row| row.split('"').next()).collect()
}
