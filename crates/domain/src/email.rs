//! E-mail addresses, as far as telling two of them apart needs.

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
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
    /// Takes an address; white space of ASCII around it is dropped, a domain beyond ASCII is written in its ASCII form, and nothing
    /// else is changed.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim_ascii();
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
/// (UTS 46, strict).
///
/// INVARIANT: two texts have the same form only if they differ in nothing but the case of letters, how accents are composed (NFC), and
/// whether a label is written as `xn--...`. UTS 46 maps more than that: wide and circled letters, `\u{2113}`, other dots, and characters that nobody
/// sees. The names that it maps are other addresses to those who give them out, so they have no form here.
pub(crate) fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    let written = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .ok()?;
    let has_its_dots = domain.split('.').count() == written.split('.').count();
    let mut labels = domain.split('.').zip(written.split('.'));
    let is_itself = has_its_dots && labels.all(|(label, written)| is_spelling_of(label, written));
    is_itself.then(|| Cow::Owned(written.into_owned()))
}

/// Whether a label is what this ASCII form of it stands for, but for case and composition.
fn is_spelling_of(label: &str, written: &str) -> bool {
    if label.is_ascii() {
        return label.eq_ignore_ascii_case(written);
    }
    let (meant, outcome) = Uts46::new().to_unicode(written.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    outcome.is_ok()
        && !meant.is_ascii()
        && !label.chars().any(is_ascii_in_lower_case)
        && fold(label) == fold(&meant)
}

/// The Kelvin sign is a `k` in lower case.
fn is_ascii_in_lower_case(character: char) -> bool {
    !character.is_ascii() && character.to_lowercase().all(|lower| lower.is_ascii())
}

/// Letter by letter, since the lower case of a whole word has another sigma at its end.
fn fold(label: &str) -> String {
    let lower: String = label.chars().flat_map(char::to_lowercase).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&lower).into_owned()
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

    // To the provider that gives them out, each is the address of another person.
    #[test]
    fn c8_another_spelling_of_a_domain_is_not_that_domain() {
        for domain in [
            "\u{ff43}\u{ff4f}\u{ff52}\u{ff50}.example",
            "\u{ff43}orp.example",
            "co\u{ad}rp.example",
            "corp\u{200b}.example",
            "corp\u{2060}.example",
            "corp\u{fe0f}.example",
            "corp\u{3002}example",
            "corp\u{ff0e}example",
            "corp\u{ff61}example",
            "\u{24d2}orp.example",
            "corp.examp\u{2113}e",
            "cor\u{1d56}.example",
            "\u{212a}orp.example",
            "\u{1d41c}orp.example",
            "\u{ff42}\u{fc}cher.example",
            "b\u{fc}\u{ad}cher.example",
            "b\u{fc}cher\u{3002}example",
            "b\u{fc}cher.\u{ff45}xample",
            "b\u{fc}\u{212a}er.example",
            "b\u{fc}cher.exam\u{ad}ple",
            "xn--bcher-\u{ff4b}va.example",
        ] {
            assert_eq!(
                EmailAddress::parse(&format!("ada@{domain}")),
                Err(EmailError::Character),
                "{domain:?}"
            );
        }
    }

    #[test]
    fn c8_only_white_space_of_ascii_is_dropped() {
        assert_eq!(EmailAddress::parse("\t ada@corp.example\r\n").unwrap().as_str(), "ada@corp.example");
        for blank in ["\u{a0}", "\u{2003}", "\u{3000}", "\u{2028}", "\u{85}", "\u{b}", "\u{feff}"] {
            assert!(EmailAddress::parse(&format!("ada@corp.example{blank}")).is_err(), "{blank:?}");
            assert!(EmailAddress::parse(&format!("{blank}ada@corp.example")).is_err(), "{blank:?}");
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
            ("ada@straße.example", "ada@xn--strae-oqa.example"),
            ("ada@ΟΔΟΣ.example", "ada@xn--pxavbq.example"),
            ("ada@οδοσ.example", "ada@xn--pxavbq.example"),
            ("ada@οδος.example", "ada@xn--pxavbm.example"),
            ("ada@\u{212b}rhus.example", "ada@xn--rhus-poa.example"),
            ("ada@XN--BCHER-kva.пример", "ada@xn--bcher-kva.xn--e1afmkfd"),
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

    /// The ways to write a domain, among them those that UTS 46 takes for the same.
    fn spelling(domain: &'static str) -> impl Strategy<Value = String> {
        let variants = |character: char| {
            let alike: &[&str] = match character {
                '.' => &[".", ".", ".", "\u{3002}", "\u{ff0e}", "\u{ff61}"],
                'k' => &["k", "k", "K", "\u{212a}", "\u{ff4b}", "\u{24da}", "\u{1d4f}"],
                'l' => &["l", "l", "L", "\u{2113}", "\u{217c}", "l\u{ad}", "l\u{200d}"],
                '\u{fc}' => {
                    &["\u{fc}", "u\u{308}", "\u{dc}", "U\u{308}", "\u{ff55}\u{308}", "\u{fc}\u{fe0f}"]
                }
                '\u{df}' => &["\u{df}", "ss", "\u{1e9e}", "S\u{17f}"],
                '\u{3c3}' => &["\u{3c3}", "\u{3c2}", "\u{3a3}", "\u{3f2}"],
                '\u{e5}' => &["\u{e5}", "\u{212b}", "a\u{30a}", "\u{c5}"],
                _ => unreachable!("each character of the domains has its variants"),
            };
            proptest::sample::select(alike)
        };
        let ascii = ascii_domain(domain).unwrap().into_owned();
        let letters = domain.chars().map(variants).collect::<Vec<_>>().prop_map(|all| all.concat());
        prop_oneof![4 => letters, 1 => Just(ascii)]
    }

    fn two_spellings() -> impl Strategy<Value = (String, String)> {
        let domain = proptest::sample::select(
            &["kl.k", "k\u{fc}l.l", "l\u{df}.k\u{fc}", "\u{3c3}\u{3c3}.l", "k.\u{e5}l"][..],
        );
        domain.prop_flat_map(|domain| (spelling(domain), spelling(domain)))
    }

    /// What a domain says, found without UTS 46.
    fn read_label_by_label(domain: &str) -> Vec<String> {
        let read = |label: &str| match label.to_ascii_lowercase().strip_prefix("xn--") {
            Some(encoded) => fold(&idna::punycode::decode_to_string(encoded).unwrap()),
            None => fold(label),
        };
        domain.split('.').map(read).collect()
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
        fn c8_texts_that_become_one_address_differ_in_case_composition_and_ascii_form_alone(
            (one, other) in two_spellings()
        ) {
            let addresses = [&one, &other].map(|domain| EmailAddress::parse(&format!("ada@{domain}")));
            if let [Ok(first), Ok(second)] = addresses && first.key() == second.key() {
                prop_assert_eq!(read_label_by_label(&one), read_label_by_label(&other));
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
