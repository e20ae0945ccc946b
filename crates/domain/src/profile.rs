//! What is shown of a user, cleaned of whatever a provider or a plugin may have put into it.

use std::fmt;

use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation as _;
use url::Url;

use crate::PatchError;

const MAX_NAME_CHARS: usize = 200;
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const MAX_URL_LENGTH: usize = 1024;
const MAX_ATTRIBUTES_BYTES: usize = 16 * 1024;

/// A person's name as text in any script: no control characters, no direction overrides, at most 200 characters. What is longer
/// is cut between whole graphemes, as people see them.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Cleans a name; `None` when nothing is left.
    pub fn clean(text: &str) -> Option<Self> {
        let visible = keep_joiners_inside_words(text.chars().filter(|c| !is_deceptive(*c)));
        let kept = cut(visible.trim()).trim_end_matches(|c: char| c.is_whitespace() || is_joiner(c));
        (!kept.is_empty()).then(|| Self(kept.to_owned()))
    }

    /// The text itself; still to be escaped wherever it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As much of the text as a name may have, in whole graphemes. One that is longer than a name by itself is nobody's script, and is
/// cut where the room ends.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_NAME_CHARS).map_or(text.len(), |(end, _)| end);
    if end == text.len() {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
    let whole = ends.take_while(|whole| *whole <= end).last().unwrap_or(end);
    text.get(..whole).unwrap_or_default()
}

/// The text without those joiners that stand where no script needs one. Persian, Hindi and joined pictures have them inside, between
/// characters beyond ASCII; anywhere else they only make two names differ that look alike.
fn keep_joiners_inside_words(characters: impl Iterator<Item = char>) -> String {
    let can_be_joined = |c: char| !c.is_ascii() && !c.is_whitespace() && !is_joiner(c);
    let mut kept = String::new();
    let mut joiner = None;
    for character in characters {
        if is_joiner(character) {
            joiner =
                joiner.or(Some(character)).filter(|_| kept.chars().next_back().is_some_and(can_be_joined));
            continue;
        }
        kept.extend(joiner.take().filter(|_| can_be_joined(character)));
        kept.push(character);
    }
    kept
}

fn is_joiner(c: char) -> bool {
    matches!(c, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER)
}

/// Characters that change how the text around them is read, or that nobody sees: controls, direction marks, fillers, line breaks.
/// The two joiners, which are invisible as well, are looked at where they stand.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        )
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}')
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
    use proptest::prelude::*;

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
            ('\u{200c}', '\u{200d}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{ad}', '\u{61c}'),
            ('\u{115f}', '\u{1160}'),
            ('\u{3164}', '\u{ffa0}'),
            ('\u{180e}', '\u{2800}'),
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
    fn names_of_all_the_world_stay_as_they_are() {
        for name in [
            "O",
            "李",
            "Nguyễn Thị Minh Khai",
            "D’Arcy O'Neill-Łukaszewicz",
            "محمد بن عبد الله",
            "מַשֶּׁה בֶּן־מַיְמוֹן",
            "مهسا می\u{200c}خواهد",
            "क्\u{200d}षितिज श्रीवास्तव",
            "ශ්\u{200d}රී ලංකා",
            "தமிழ்ச்செல்வி",
            "𠮷野家 太郎",
            "👩\u{200d}💻 Ada",
            "❤\u{fe0f}\u{200d}🔥",
            "𐐔𐐯𐑅𐐨𐑉𐐯𐐻",
        ] {
            assert_eq!(DisplayName::clean(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_joiner_stands_between_two_characters_that_it_can_join_and_nowhere_else() {
        for (given, kept) in [
            ("A\u{200d}da", "Ada"),
            ("\u{200d}می", "می"),
            ("می\u{200c}", "می"),
            ("می\u{200c}\u{200d}\u{200c}خ", "می\u{200c}خ"),
            ("می\u{200c} خ", "می خ"),
            ("é\u{200d}a", "éa"),
        ] {
            assert_eq!(DisplayName::clean(given).unwrap().as_str(), kept);
        }
        assert!(DisplayName::clean("\u{200d}\u{200c}\u{3164}").is_none());
    }

    #[test]
    fn a_long_name_is_cut_between_whole_graphemes() {
        let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
        let cut = |text: String| DisplayName::clean(&text).unwrap().as_str().to_owned();
        assert_eq!(cut(family.repeat(40)), family.repeat(200 / 7));
        assert_eq!(cut("e\u{301}".repeat(101)), "e\u{301}".repeat(100));
        assert_eq!(cut(format!("{}e\u{301}", "x".repeat(199))), "x".repeat(199));
        assert_eq!(cut(format!("{}می\u{200c}خ", "ب".repeat(197))), format!("{}می", "ب".repeat(197)));
        assert_eq!(cut("اسم".repeat(100)).chars().count(), 200);
        assert_eq!(cut(format!("a{}", "\u{301}".repeat(1_000))).chars().count(), 200);
    }

    proptest! {
        #[test]
        fn whatever_a_name_is_it_is_cleaned_once(
            text in "(\\PC|[\u{200b}-\u{200f}\u{300}-\u{306}👩💻\u{fe0f}می])*|([a-z]|👩\u{200d}|\u{301}){150,400}"
        ) {
            if let Some(name) = DisplayName::clean(&text) {
                prop_assert!((1..=MAX_NAME_CHARS).contains(&name.as_str().chars().count()));
                prop_assert_eq!(name.as_str().trim(), name.as_str());
                prop_assert!(!name.as_str().contains(is_deceptive) && !name.as_str().ends_with(is_joiner));
                prop_assert_eq!(&DisplayName::clean(name.as_str()).unwrap(), &name);
            }
        }
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
