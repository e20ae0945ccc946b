//! Texts of which white space is no part: what is around a value is taken away, and what is inside is named.

use secrecy::SecretString;

use super::{Kind, parsed};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// One word: an id or an address, which has neither white space nor anything else that cannot be seen.
pub(in super::super) const WORD: Kind<String> = parsed(|text| check_word(text).map(|()| text.to_owned()));

/// A text for people or for other programs, on one line.
pub(in super::super) const TEXT: Kind<String> = parsed(|text| check_line(text).map(|()| text.to_owned()));

/// One line that is kept from logs, such as a password.
pub(in super::super) const SECRET: Kind<SecretString> =
    parsed(|text| check_line(text).and_then(|()| check_quotes(text)).map(|()| text.to_owned().into()));

/// The text of a key, which has line breaks, kept from logs.
pub(in super::super) const PRIVATE_PEM: Kind<SecretString> = parsed(|text| Ok(text.to_owned().into()));

/// The text of a public key.
pub(in super::super) const PUBLIC_PEM: Kind<String> = parsed(|text| Ok(text.to_owned()));

/// A value without what is around it: white space, line ends, and the mark with which some editors begin a file.
pub(in super::super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == BYTE_ORDER_MARK)
}

/// Whether a text is one word. What is said does not show it.
pub(in super::super) fn check_word(text: &str) -> Result<(), String> {
    check_quotes(text)?;
    name_first(text, |character| character.is_whitespace() || is_unseen(character))
}

/// Whether a text is one line. What is said does not show it.
pub(in super::super) fn check_line(text: &str) -> Result<(), String> {
    name_first(text, is_unseen)
}

/// In an environment file quotation marks are often part of the value.
fn check_quotes(text: &str) -> Result<(), String> {
    if is_quoted(text) { Err(QUOTED.to_owned()) } else { Ok(()) }
}

pub(in super::super) const QUOTED: &str =
    "the quotation marks at both ends are part of the value; write it without them";

/// Whether a text stands between quotation marks.
pub(in super::super) fn is_quoted(text: &str) -> bool {
    let inside = |mark| text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    ['"', '\''].into_iter().any(|mark| inside(mark).is_some())
}

fn name_first(text: &str, is_wrong: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().enumerate().find(|(_, character)| is_wrong(*character)) {
        None => Ok(()),
        Some((before, character)) => {
            let (what, place) = (describe(character), before + 1);
            Err(format!("has {what} inside, as character {place}; write it without"))
        }
    }
}

/// Whether a character is for devices, or has neither form nor width.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, BYTE_ORDER_MARK | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
}

fn describe(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        other if other.is_whitespace() => format!("white space (U+{:04X})", u32::from(other)),
        other => format!("a character that cannot be seen (U+{:04X})", u32::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_value_is_no_part_of_it() {
        for around in ["id", " id", "id\n", "id\r\n", "\tid\u{a0}", "\u{feff}id\n", "\n\n id \n\n"] {
            assert_eq!(trimmed(around), "id", "{around:?}");
        }
        assert_eq!(trimmed(" a\nb "), "a\nb", "lines keep what is between them");
    }

    #[test]
    fn what_is_inside_a_word_is_named_and_the_word_is_not_shown() {
        for (text, named) in [
            ("hunter 2", "a space inside, as character 7"),
            ("hun\nter2", "a line break inside, as character 4"),
            ("hun\r\nter2", "a line break inside, as character 4"),
            ("h\tunter2", "a tab inside, as character 2"),
            ("hunter\u{a0}2", "white space (U+00A0) inside"),
            ("hunter\u{7}2", "a character that cannot be seen (U+0007) inside"),
            ("hunter\u{200b}2", "a character that cannot be seen (U+200B) inside"),
            ("\"hunter2\"", "quotation marks"),
            ("'hunter2'", "quotation marks"),
        ] {
            let reason = check_word(text).unwrap_err();
            assert!(reason.contains(named) && !reason.contains("hunter"), "{text:?}: {reason}");
        }
        for word in ["", "1234.apps.example", "\"", "a\"b", "it's", "\u{e4}"] {
            assert_eq!(check_word(word), Ok(()), "{word:?}");
        }
    }

    #[test]
    fn a_secret_is_one_line_and_may_have_spaces() {
        let secret = |text: &str| SECRET.parse(text).map(drop);
        assert_eq!(secret("correct horse \"battery"), Ok(()));
        for wrong in ["two\nlines", "a\u{0}b", "\"quoted\""] {
            assert!(secret(wrong).is_err(), "{wrong:?}");
        }
    }
}
