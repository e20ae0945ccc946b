//! What is shown of a user, cleaned of whatever a provider or a plugin may have put into it.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use crate::PatchError;

const MAX_NAME_CHARS: usize = 200;
const MAX_URL_LENGTH: usize = 1024;
const MAX_ATTRIBUTES_BYTES: usize = 16 * 1024;

/// A person's name as text: no control characters, no direction overrides, at most 200 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Cleans a name; `None` when nothing is left.
    pub fn clean(text: &str) -> Option<Self> {
        let kept: String = text.chars().filter(|c| !is_deceptive(*c)).take(MAX_NAME_CHARS).collect();
        let kept = kept.trim();
        (!kept.is_empty()).then(|| Self(kept.to_owned()))
    }

    /// The text itself; still to be escaped wherever it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that change how the text around them is read: controls, direction marks, invisible ones, line breaks.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DisplayName(..)")
    }
}

/// Where a person's picture is: https only. The service never fetches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvatarUrl(String);

impl AvatarUrl {
    /// Takes an https address of at most 1,024 bytes without user name; `None` for anything else. The parser lets hosts have
    /// quotation marks, which end an attribute in a page that does not escape them.
    pub fn clean(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let plain = url.scheme() == "https"
            && url.host_str().is_some_and(|host| host.bytes().all(is_plain))
            && url.username().is_empty()
            && url.password().is_none();
        (plain && url.as_str().len() <= MAX_URL_LENGTH).then(|| Self(url.into()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What extensions keep about a user: a JSON object of at most 16 KiB, given to later plugins, never to a client.
#[derive(Clone, PartialEq, Default)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// Takes an object that is small enough.
    pub fn new(object: Map<String, Value>) -> Result<Self, PatchError> {
        let size = serde_json::to_vec(&object).map_or(usize::MAX, |text| text.len());
        if size > MAX_ATTRIBUTES_BYTES { Err(PatchError::TooLarge("attributes")) } else { Ok(Self(object)) }
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Attributes({} members)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_a_hostile_name_becomes_plain_text() {
        assert_eq!(DisplayName::clean(" Ada\r\n\u{202e}Lovelace\0 ").unwrap().as_str(), "AdaLovelace");
        assert_eq!(DisplayName::clean("<script>").unwrap().as_str(), "<script>");
        assert_eq!(DisplayName::clean(&"x".repeat(1_000_000)).unwrap().as_str().len(), 200);
        assert!(DisplayName::clean(" \u{200b}\t").is_none());
    }

    #[test]
    fn c9_a_picture_is_https_or_nothing() {
        assert_eq!(AvatarUrl::clean("https://a.example/x.png").unwrap().as_str(), "https://a.example/x.png");
        for bad in [
            "javascript:alert(1)",
            "http://169.254.169.254/",
            "data:image/png;base64,x",
            "https://u:p@a.example/",
            "https://a\"onerror=x//.example/",
            "https://a'.example/",
            "//a.example",
            "",
        ] {
            assert!(AvatarUrl::clean(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_character_that_changes_how_a_name_is_read_is_dropped() {
        for (first, last) in [
            ('\u{0}', '\u{1f}'),
            ('\u{7f}', '\u{9f}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{2069}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{e0000}', '\u{e007f}'),
        ] {
            for odd in [first, last] {
                assert_eq!(DisplayName::clean(&format!("A{odd}B")).unwrap().as_str(), "AB", "{odd:?}");
            }
        }
        assert_eq!(DisplayName::clean("Zoë 李\u{301}").unwrap().as_str(), "Zoë 李\u{301}");
    }

    #[test]
    fn an_address_of_a_picture_has_at_most_1024_bytes_and_no_user() {
        let with_length = |length: usize| {
            let base = "https://a.example/";
            format!("{base}{}", "x".repeat(length - base.len()))
        };
        assert!(AvatarUrl::clean(&with_length(1024)).is_some());
        assert!(AvatarUrl::clean(&with_length(1025)).is_none());
        for bad in ["https://u@a.example/", "https://:p@a.example/", "http://a.example/x.png"] {
            assert!(AvatarUrl::clean(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn attributes_have_at_most_16_kib_as_json() {
        let with_size = |bytes: usize| {
            let text = "x".repeat(bytes - r#"{"a":""}"#.len());
            Attributes::new(Map::from_iter([("a".to_owned(), Value::from(text))]))
        };
        assert_eq!(with_size(16 * 1024).unwrap().as_object().len(), 1);
        assert_eq!(with_size(16 * 1024 + 1), Err(PatchError::TooLarge("attributes")));
    }

    #[test]
    fn what_is_personal_does_not_show_in_debug() {
        let attributes = Attributes::new(Map::from_iter([("team".to_owned(), Value::from("core"))])).unwrap();
        assert_eq!(format!("{attributes:?}"), "Attributes(1 members)");
        assert_eq!(format!("{:?}", DisplayName::clean("Ada").unwrap()), "DisplayName(..)");
    }
}
