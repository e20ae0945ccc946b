//! What JSON takes in memory, for those who keep it and have bounds.

use serde_json::{Map, Value};

/// A node of a tree of members: room for eleven, most often half full.
const NODE_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 96;
const MEMBERS_OF_A_NODE: usize = 5;
/// What the allocator adds to each piece.
const PIECE_BYTES: usize = 16;

/// Roughly what an object takes in memory, and rather more than less. Its text may be far shorter: the seven bytes of
/// `{"":0},` become a whole node of a tree.
pub fn heap_bytes(object: &Map<String, Value>) -> usize {
    let nodes = object.len().div_ceil(MEMBERS_OF_A_NODE) * (NODE_BYTES + PIECE_BYTES);
    object.iter().fold(nodes, |sum, (name, value)| sum + piece(name.capacity()) + heap_bytes_of(value))
}

fn heap_bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => piece(text.capacity()),
        Value::Array(items) => {
            let room = piece(items.capacity() * size_of::<Value>());
            items.iter().map(heap_bytes_of).fold(room, usize::saturating_add)
        }
        Value::Object(object) => heap_bytes(object),
    }
}

fn piece(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + PIECE_BYTES }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(value: &Value) -> usize {
        heap_bytes(value.as_object().unwrap())
    }

    #[test]
    fn k6_what_is_short_as_a_text_and_large_in_memory_counts_as_large() {
        assert_eq!(bytes(&json!({})), 0);
        let text = |value: &Value| value.to_string().len();
        let small = json!({"read": true, "write": false});
        assert!((NODE_BYTES..NODE_BYTES + 100).contains(&bytes(&small)));
        let objects = json!({"a": vec![json!({"": 0}); 9_000]});
        assert!(text(&objects) < 64 * 1024 && bytes(&objects) > 9_000 * NODE_BYTES);
        let numbers = json!({"a": vec![0; 30_000]});
        assert!(text(&numbers) < 64 * 1024 && bytes(&numbers) > 30_000 * size_of::<Value>());
        let long = json!({"a": "x".repeat(60_000)});
        assert!((60_000..62_000).contains(&bytes(&long)));
    }

    #[test]
    fn each_part_of_an_object_counts_once() {
        let node = bytes(&json!({"a": 0})) - piece(1);
        assert!(
            node >= 11 * (size_of::<String>() + size_of::<Value>()),
            "a node has room for eleven members"
        );
        assert_eq!(node, NODE_BYTES + PIECE_BYTES, "and is one piece");
        let members = |count: usize| {
            let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
            let object = names.into_iter().take(count).map(|name| (name.to_owned(), Value::Null)).collect();
            heap_bytes(&object) - count * piece(1)
        };
        assert_eq!([members(5), members(6), members(11)], [node, 2 * node, 3 * node]);

        let inner = json!({"a": {"b": "x"}});
        assert_eq!(bytes(&inner), 2 * node + 2 * piece(1) + piece(1), "two nodes, two names and a text");
        let array = bytes(&json!({"a": ["x", "y"]})) - node - piece(1);
        assert_eq!(array, 2 * size_of::<Value>() + PIECE_BYTES + 2 * piece(1), "two items and two texts");
    }

    #[test]
    fn what_is_empty_takes_no_piece_of_memory() {
        assert_eq!([piece(0), piece(1)], [0, 1 + PIECE_BYTES]);
    }
}
