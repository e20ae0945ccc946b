//! Random replies: an accepted one means what any reader of JSON takes it for.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::fuzzing::{assert_sound, depth};
use super::*;

/// A JSON text as it is written, with its members in order, of which two may have one name.
#[derive(Debug, Clone)]
enum JsonText {
    Leaf(String),
    Array(Vec<JsonText>),
    Object(Vec<(String, JsonText)>),
}

impl JsonText {
    fn text(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::text).collect::<Vec<_>>().join(", "))
            }
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| {
                    format!("{}:{}", Value::from(name.as_str()), value.text())
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
        }
    }

    fn has_a_name_twice(&self) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::Array(items) => items.iter().any(Self::has_a_name_twice),
            Self::Object(members) => {
                let again = |(at, (name, _)): (usize, &(String, Self))| {
                    members.iter().take(at).any(|(other, _)| other == name)
                };
                members.iter().enumerate().any(again)
                    || members.iter().any(|(_, value)| value.has_a_name_twice())
            }
        }
    }
}

fn written() -> impl Strategy<Value = JsonText> {
    let leaf = prop_oneof![
        r"null|true|false|0|-1|3\.5|1e3|18446744073709551615".prop_map(JsonText::Leaf),
        any::<String>().prop_map(|text| JsonText::Leaf(Value::from(text).to_string())),
    ];
    let name = prop_oneof!["[a-c]", any::<String>()];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(JsonText::Array),
            vec((name.clone(), inner), 0..5).prop_map(JsonText::Object),
        ]
    })
}

/// The same, as a member of so many objects and arrays, and the outermost an object.
fn reply() -> impl Strategy<Value = JsonText> {
    (written(), vec(any::<bool>(), 0..40)).prop_map(|(inner, wrappers)| {
        let wrap = |inner, is_array: &bool| match is_array {
            true => JsonText::Array(vec![inner]),
            false => JsonText::Object(vec![("a".to_owned(), inner)]),
        };
        JsonText::Object(vec![("a".to_owned(), wrappers.iter().fold(inner, wrap))])
    })
}

proptest! {
    #[test]
    fn e7_an_object_is_accepted_if_it_is_not_deep_and_has_no_name_twice(reply in reply()) {
        let expected = if reply.depth() > MAX_DEPTH || reply.has_a_name_twice() { None } else { Some(reply.depth()) };
        let read = parse_object(reply.text().as_bytes()).ok().map(|object| depth(&Value::Object(object)));
        prop_assert_eq!(read, expected);
        assert_sound(reply.text().as_bytes());
    }

    #[test]
    fn e2_every_decimal_is_read_as_it_was_meant_and_written_as_it_was_read(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let mut text = format!("{{\"a\":{number:e}}}");
        for _ in 0..2 {
            let object = parse_object(text.as_bytes()).unwrap();
            prop_assert_eq!(object["a"].as_f64().map(f64::to_bits), Some(bits), "{}", text);
            text = Value::Object(object).to_string();
        }
    }

    #[test]
    fn e7_any_bytes_at_all_are_refused_or_sound(bytes in vec(any::<u8>(), 0..200)) {
        assert_sound(&bytes);
        assert_sound(&[b"{\"a\":", &bytes[..], b"}"].concat());
    }

    #[test]
    fn e7_a_reply_with_any_bytes_changed_is_refused_or_sound(
        reply in reply(),
        changes in vec((any::<Index>(), prop_oneof![any::<u8>(), proptest::sample::select(&b"{}[]:,\"\\0eu"[..])]), 1..6),
    ) {
        let mut bytes = reply.text().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        assert_sound(&bytes);
    }
}
