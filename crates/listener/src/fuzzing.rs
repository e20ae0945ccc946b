//! The target of the fuzzer in this crate: what goes over a connection, as far as we read it ourselves.

#![allow(clippy::missing_panics_doc, reason = "a target that finds something fails loudly")]

use crate::framing::Framing;

/// A target, behind its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("framing", framing)];

/// Whatever way the bytes come in, they are judged alike; and as one judges them who has all of them at once.
pub fn framing(bytes: &[u8]) {
    let whole = Framing::new().take(bytes);
    let mut dripping = Framing::new();
    let dripped = bytes.iter().fold(true, |_, byte| dripping.take(&[*byte]));
    assert_eq!(dripped, whole, "byte by byte");
    let mut halves = Framing::new();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let early = halves.take(first);
    assert_eq!(early && halves.take(second), whole, "in two pieces");
    if whole {
        assert!(is_sound(bytes), "{}", bytes.escape_ascii());
    }
}

/// The same question, answered line by line.
fn is_sound(mut rest: &[u8]) -> bool {
    let (mut has_request_line, mut length, mut chunked) = (false, None, false);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
        let Some(line) = line.strip_suffix(b"\r") else { return false };
        rest = behind;
        match field(line) {
            _ if line.is_empty() && has_request_line => {
                if chunked && length.is_some() {
                    return false;
                }
                if chunked {
                    return true;
                }
                let length = usize::try_from(length.take().unwrap_or(0)).unwrap_or(usize::MAX);
                rest = rest.get(length..).unwrap_or_default();
                has_request_line = false;
            }
            _ if line.is_empty() => {}
            Some((name, value)) if name == b"content-length" => length = Some(number(value)),
            Some((name, _)) if name == b"transfer-encoding" => chunked = true,
            _ => has_request_line = true,
        }
    }
    true
}

fn field(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((line.get(..colon)?.to_ascii_lowercase(), line.get(colon + 1..)?))
}

fn number(value: &[u8]) -> u64 {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;
