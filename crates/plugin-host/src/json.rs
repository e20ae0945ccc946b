//! Answers of plugins, read without trust: an object, not deep, and no member twice.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::bad_reply::BadReply;

const MAX_DEPTH: usize = 32;

/// Reads a JSON object. Which of two members of one name counts differs between readers, so neither does.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, BadReply> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadReply::NotUtf8)?;
    let fault = Cell::new(BadReply::NotJson);
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0, fault: &fault }.deserialize(&mut reader).map_err(|_| fault.get())?;
    reader.end().map_err(|_| BadReply::NotJson)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(BadReply::NotAnObject),
    }
}

/// Reads one value that lies `depth` levels down; says in `fault` what is wrong if it is not the JSON as such.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<BadReply>,
}

impl Strict<'_> {
    fn refuse<E: Error>(self, fault: BadReply) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(BadReply::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(BadReply::NotJson))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse(BadReply::DuplicateMember));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(levels: usize) -> String {
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#" {"a":[1,-2,3.5,null,true,"\u00e4"],"b":{"a":{}}} "#;
        let expected = json!({"a": [1, -2, 3.5, null, true, "ä"], "b": {"a": {}}});
        assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), expected);
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_ok());
    }

    #[test]
    fn e7_anything_else_is_refused_by_its_name() {
        let cases: &[(&[u8], BadReply)] = &[
            (b"{\"a\":\"\xff\"}", BadReply::NotUtf8),
            (b"", BadReply::NotJson),
            (b"{\"a\":NaN}", BadReply::NotJson),
            (b"{\"a\":1e999}", BadReply::NotJson),
            (b"{} {}", BadReply::NotJson),
            (b"{\"a\":1,}", BadReply::NotJson),
            (b"[]", BadReply::NotAnObject),
            (b"null", BadReply::NotAnObject),
            (b"{\"a\":1,\"a\":2}", BadReply::DuplicateMember),
            (b"{\"b\":[{\"a\":1,\"\\u0061\":1}]}", BadReply::DuplicateMember),
        ];
        for (text, fault) in cases {
            assert_eq!(parse_object(text), Err(*fault), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn e7_depth_is_bounded() {
        for levels in [MAX_DEPTH + 1, 10_000] {
            assert_eq!(parse_object(nested(levels).as_bytes()), Err(BadReply::TooDeep));
        }
        let arrays = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse_object(arrays.as_bytes()), Err(BadReply::TooDeep));
    }
}
