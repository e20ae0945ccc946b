//! The answers of `GET /user/emails`.

use serde_json::Value;
use vestibule_domain::EmailAddress;

/// One address of the list.
pub(super) struct Entry {
    email: EmailAddress,
    verified: bool,
    primary: bool,
}

impl Entry {
    /// Reads one member; what is not an address is passed over, what is not the boolean `true` is false.
    pub(super) fn read(member: &Value) -> Option<Self> {
        let is_true = |name: &str| member.get(name) == Some(&Value::Bool(true));
        let email = EmailAddress::parse(member.get("email")?.as_str()?).ok()?;
        Some(Self { email, verified: is_true("verified"), primary: is_true("primary") })
    }
}

/// The addresses of a person, sorted by what they are good for.
#[derive(Default)]
pub(super) struct KnownEmails {
    /// The primary one first, the others in GitHub's order.
    pub(super) verified: Vec<EmailAddress>,
    /// The primary one, if it is not verified.
    pub(super) unverified: Option<EmailAddress>,
}

impl KnownEmails {
    pub(super) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| !entry.primary);
        let (verified, unverified): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.verified);
        Self {
            verified: verified.into_iter().map(|entry| entry.email).collect(),
            unverified: unverified.into_iter().find(|entry| entry.primary).map(|entry| entry.email),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known(list: &Value) -> KnownEmails {
        KnownEmails::new(list.as_array().unwrap().iter().filter_map(Entry::read).collect())
    }

    #[test]
    fn c1_only_verified_addresses_count_and_the_primary_one_comes_first() {
        let emails = known(&json!([
            {"email": "second@example.org", "verified": true, "primary": false},
            {"email": "victim@example.org", "verified": false, "primary": false},
            {"email": "first@example.org", "verified": true, "primary": true},
            {"email": "text@example.org", "verified": "true", "primary": false},
            {"email": 7, "verified": true},
            "odd@example.org",
        ]));
        let verified: Vec<_> = emails.verified.iter().map(EmailAddress::as_str).collect();
        assert_eq!(verified, ["first@example.org", "second@example.org"]);
        assert!(emails.unverified.is_none());
    }

    #[test]
    fn c1_an_unverified_primary_address_is_only_remarked() {
        let emails = known(&json!([{"email": "victim@example.org", "verified": false, "primary": true}]));
        assert!(emails.verified.is_empty());
        assert_eq!(emails.unverified.unwrap().as_str(), "victim@example.org");
    }
}
