//! E-mail addresses, as far as telling two of them apart needs.

use std::fmt;

use thiserror::Error;

/// Why a text is not an address that we compare with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailError {
    /// Longer than 254 octets (RFC 5321 section 4.5.3.1.3, less the angle brackets).
    #[error("the address is empty or longer than 254 characters")]
    Length,
    /// A character outside the plain ASCII that both sides of an address may have.
    #[error("the address has a character that is not allowed")]
    Character,
    /// Not exactly one `@` with something on both sides.
    #[error("the address does not have the form local@domain")]
    Form,
}

const MAX_LENGTH: usize = 254;
const LOCAL_SPECIALS: &str = ".!#$%&'*+/=?^_`{|}~-";

/// An address of the plain form `local@domain`, in ASCII: no quoting, no comments, no second `@`.
///
/// The exotic forms of RFC 5322 are refused because two parsers may read them differently, and an address decides
/// here whose account a sign-in joins.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Takes an address; surrounding white space is dropped, nothing else is changed.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(EmailError::Length);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::Form)?;
        if local.is_empty() || domain.is_empty() || domain.contains('@') {
            return Err(EmailError::Form);
        }
        let local_fits = local.chars().all(|c| c.is_ascii_alphanumeric() || LOCAL_SPECIALS.contains(c));
        let domain_fits = domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        if !local_fits || !domain_fits {
            return Err(EmailError::Character);
        }
        if domain.split('.').any(str::is_empty) {
            return Err(EmailError::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses are compared by: the whole address in lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// An address is personal data: a log shows that there is one, not which.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EmailAddress(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_addresses_are_taken() {
        for good in ["a@b", "Ada.Lovelace+x@Example.org", " a@b.c ", "o'hara@example.co.uk"] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn c8_hostile_addresses_are_refused() {
        let long = format!("{}@example.org", "a".repeat(300));
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a",
            "a@evil.com@corp.com",
            "a\u{ff20}b.c",
            "\"a@b\"@c.d",
            "a@b\0.c",
            "a@b..c",
            "a@.b",
            "a b@c.d",
            "a@b c",
            "a@[127.0.0.1]",
            "<a@b.c>",
            "a@b.c,d@e.f",
            "ä@b.c",
            "a@bü.c",
            "a@b.c\r\nBcc: d@e.f",
            &long,
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_has_one_at_sign_and_a_stable_key(text in "\\PC{0,40}@?\\PC{0,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
                let again = EmailAddress::parse(&address.key()).unwrap();
                prop_assert_eq!(again.key(), address.key());
            }
        }
    }

    #[test]
    fn debug_does_not_show_the_address() {
        assert!(!format!("{:?}", EmailAddress::parse("ada@example.org").unwrap()).contains("ada"));
    }

    #[test]
    fn an_address_has_at_most_254_octets() {
        let with_length =
            |length: usize| format!("{}@example.org", "a".repeat(length - "@example.org".len()));
        assert!(EmailAddress::parse(&with_length(254)).is_ok());
        assert_eq!(EmailAddress::parse(&with_length(255)), Err(EmailError::Length));
        assert!(
            EmailAddress::parse(&format!("  {}  ", with_length(254))).is_ok(),
            "blanks around it do not count"
        );
        assert_eq!(EmailAddress::parse("  "), Err(EmailError::Length));
    }

    #[test]
    fn the_reason_of_a_refusal_says_what_is_wrong() {
        for (bad, reason) in [
            ("ada", EmailError::Form),
            ("@example.org", EmailError::Form),
            ("ada@", EmailError::Form),
            ("ada@example@org", EmailError::Form),
            ("ada@.org", EmailError::Form),
            ("ada@example.", EmailError::Form),
            ("a,b@example.org", EmailError::Character),
            ("ada@exam_ple.org", EmailError::Character),
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(reason), "{bad}");
        }
    }

    #[test]
    fn addresses_are_compared_without_regard_to_case_and_shown_as_given() {
        let address = EmailAddress::parse(" Ada@Example.ORG ").unwrap();
        assert_eq!(address.as_str(), "Ada@Example.ORG");
        assert_eq!(address.key(), "ada@example.org");
        assert_eq!(format!("{address:?}"), "EmailAddress(..)");
    }
}
