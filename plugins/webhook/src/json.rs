//! Answers, read without trust: which of two members of one name counts differs between readers, so neither does.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What the error of a member that comes twice says; the rest of the error tells where.
const TWICE: &str = "two members of one name";

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonFault {
    NotJson,
    NotAnObject,
    DuplicateMember,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotJson => "is not JSON",
            Self::NotAnObject => "is not a JSON object",
            Self::DuplicateMember => "has two members of one name in one object",
        })
    }
}

/// Reads an object (RFC 8259). Depth is bounded by the parser, size by the receiver of the text.
pub(crate) fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonFault> {
    match serde_json::from_slice(text) {
        Ok(Unique(Value::Object(object))) => Ok(object),
        Ok(_) => Err(JsonFault::NotAnObject),
        Err(error) if error.is_data() => Err(JsonFault::DuplicateMember),
        Err(_) => Err(JsonFault::NotJson),
    }
}

/// A value in which no object has a member twice. That is the only thing it finds wrong in JSON.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // The parser refuses numbers that are not finite.
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(Error::custom(TWICE));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#" {"a":[1,-2,3.5,null,true,"\u00e4"],"b":{"a":{}}} "#;
        let expected = json!({"a": [1, -2, 3.5, null, true, "ä"], "b": {"a": {}}});
        assert_eq!(parse_object(text.as_bytes()).map(Value::Object), Ok(expected));
    }

    #[test]
    fn e7_anything_else_is_refused_by_its_name() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        let cases: &[(&[u8], JsonFault)] = &[
            (b"", JsonFault::NotJson),
            (b"{", JsonFault::NotJson),
            (b"{\"a\":\"\xff\"}", JsonFault::NotJson),
            (b"{\"a\":NaN}", JsonFault::NotJson),
            (b"{\"a\":1e999}", JsonFault::NotJson),
            (b"{} {}", JsonFault::NotJson),
            (deep.as_bytes(), JsonFault::NotJson),
            (b"[]", JsonFault::NotAnObject),
            (b"null", JsonFault::NotAnObject),
            (b"{\"a\":1,\"a\":2}", JsonFault::DuplicateMember),
            (b"{\"b\":[{\"a\":1,\"\\u0061\":1}]}", JsonFault::DuplicateMember),
        ];
        for (text, fault) in cases {
            assert_eq!(parse_object(text), Err(*fault), "{:.40}", String::from_utf8_lossy(text));
        }
    }
}
