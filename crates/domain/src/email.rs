//! E-mail addresses, as far as telling two of them apart needs.

use std::borrow::Cow;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens};
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

/// An address of the plain form `local@domain`, in ASCII: no quoting, no comments, no second `@`. A domain with letters beyond ASCII
/// is kept in the form that the mail goes by, `xn--...` (RFC 5891), so that both ways to write it are one address.
///
/// The exotic forms of RFC 5322 are refused because two parsers may read them differently, and an address decides
/// here whose account a sign-in joins.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Takes an address; surrounding white space is dropped, a domain beyond ASCII is written in its ASCII form, and nothing else is
    /// changed.
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
        let domain = ascii_domain(domain).ok_or(EmailError::Character)?;
        let domain_fits = domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        if !local_fits || !domain_fits {
            return Err(EmailError::Character);
        }
        if domain.split('.').any(str::is_empty) {
            return Err(EmailError::Form);
        }
        let address = format!("{local}@{domain}");
        if address.len() > MAX_LENGTH { Err(EmailError::Length) } else { Ok(Self(address)) }
    }

    /// The address as it was given, but for a domain beyond ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses are compared by: the whole address in lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// A domain as mail and DNS have it. One in ASCII is left as it is; of others only what is valid as a host's name has such a form
/// (UTS 46, strict), so that a character which merely looks like a dot, a slash or an `@` makes no other domain.
pub(crate) fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    let resolver = idna::uts46::Uts46::new();
    let written =
        resolver.to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    written.ok().map(|domain| Cow::Owned(domain.into_owned()))
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
            "a@b\u{2024}c",
            "a@\u{200d}.example",
            "a@b\u{ff20}c.example",
            "a@\u{ad}",
            "a@-bü.example",
            "a@b.c\r\nBcc: d@e.f",
            &long,
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_has_one_form_however_it_is_written() {
        for (given, kept) in [
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("Ada@BÜCHER.Example", "Ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
            ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
            ("ada@مصر.example", "ada@xn--wgbh1c.example"),
        ] {
            let address = EmailAddress::parse(given).unwrap();
            assert_eq!(address.as_str(), kept);
            assert_eq!(EmailAddress::parse(kept).unwrap().key(), address.key());
        }
        let long = format!("ada@{}.example", "ü".repeat(60));
        assert!(EmailAddress::parse(&long).is_err(), "no label is so long");
        let looks_alike = EmailAddress::parse("ada@\u{430}pple.example").unwrap();
        assert_ne!(looks_alike.key(), "ada@apple.example", "a Cyrillic letter stays another one");
    }

    proptest! {
        #[test]
        fn whatever_domain_is_taken_is_ascii_and_taken_again_as_it_is(
            domain in "[a-zßüéπж語한\u{627}-\u{64a}\u{300}\u{200c}.-]{1,40}"
        ) {
            if let Ok(address) = EmailAddress::parse(&format!("ada@{domain}")) {
                prop_assert!(address.as_str().is_ascii() && address.as_str().len() <= MAX_LENGTH);
                prop_assert_eq!(&EmailAddress::parse(address.as_str()).unwrap(), &address);
            }
        }

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
