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

/// The address of a person: the primary one, and no other. An address that a user added once and forgot, or holds beside it,
/// says less about who they are.
#[derive(Default)]
pub(super) struct KnownEmails {
    /// The primary one, if it is verified.
    pub(super) verified: Option<EmailAddress>,
    /// The primary one, if it is not verified.
    pub(super) unverified: Option<EmailAddress>,
}

impl KnownEmails {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        match entries.into_iter().find(|entry| entry.primary) {
            Some(Entry { email, verified: true, .. }) => Self { verified: Some(email), unverified: None },
            Some(Entry { email, .. }) => Self { verified: None, unverified: Some(email) },
            None => Self::default(),
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
    fn c1_the_primary_address_counts_if_it_is_verified_and_no_other() {
        let emails = known(&json!([
            {"email": "second@example.org", "verified": true, "primary": false},
            {"email": "victim@example.org", "verified": false, "primary": false},
            {"email": "first@example.org", "verified": true, "primary": true},
            {"email": "text@example.org", "verified": "true", "primary": false},
            {"email": 7, "verified": true},
            "odd@example.org",
        ]));
        assert_eq!(emails.verified.unwrap().as_str(), "first@example.org");
        assert!(emails.unverified.is_none());
        let second = known(&json!([{"email": "second@example.org", "verified": true, "primary": false}]));
        assert!(second.verified.is_none() && second.unverified.is_none());
    }

    #[test]
    fn c1_an_unverified_primary_address_is_only_remarked() {
        let emails = known(&json!([
            {"email": "own@example.org", "verified": true, "primary": false},
            {"email": "victim@example.org", "verified": false, "primary": true},
        ]));
        assert!(emails.verified.is_none());
        assert_eq!(emails.unverified.unwrap().as_str(), "victim@example.org");
    }
}
