//! The PEM envelope (RFC 7468), in every form that a setting or a file may give it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use crate::KeyFault;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block of a PEM text: what it says it holds, and the bytes.
pub(crate) struct PemBlock {
    pub(crate) label: String,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

impl PemBlock {
    /// Reads the only block of a text: with real line ends, with `\n` escapes as environment files write them, or with the
    /// whole text in base64. What stands before the block, such as a description, is passed over.
    pub(crate) fn read(text: &str) -> Result<Self, KeyFault> {
        let text = with_line_ends(text)?;
        let (_, rest) = text.split_once(BEGIN).ok_or(KeyFault::NotPem)?;
        let (label, rest) = rest.split_once(DASHES).ok_or(KeyFault::NotPem)?;
        let (body, after) = rest.split_once(&format!("-----END {label}-----")).ok_or(KeyFault::NotPem)?;
        if after.contains(BEGIN) {
            return Err(KeyFault::SeveralBlocks);
        }
        // Header lines as in RFC 1421 stand only in PEM files that OpenSSL has encrypted.
        if body.contains(':') {
            return Err(KeyFault::Encrypted);
        }
        Ok(Self { label: label.to_owned(), der: decode(body)? })
    }
}

fn with_line_ends(text: &str) -> Result<Zeroizing<String>, KeyFault> {
    if text.contains(BEGIN) {
        if text.contains("\\\\n") {
            return Err(KeyFault::EscapedTwice);
        }
        return Ok(Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n")));
    }
    let bytes = decode(text)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyFault::NotPem)?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let packed: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    STANDARD.decode(&*packed).map(Zeroizing::new).map_err(|_| KeyFault::NotPem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a note\n-----BEGIN THING-----\nAAEC\nAwQF\n-----END THING-----\n";

    fn read(text: &str) -> (String, Vec<u8>) {
        let block = PemBlock::read(text).unwrap();
        (block.label, block.der.to_vec())
    }

    #[test]
    fn the_three_written_forms_are_one_block() {
        let expected = ("THING".to_owned(), vec![0, 1, 2, 3, 4, 5]);
        assert_eq!(read(TEXT), expected);
        assert_eq!(read(&TEXT.replace('\n', "\r\n")), expected);
        assert_eq!(read(&TEXT.replace('\n', "\\n")), expected);
        assert_eq!(read(&TEXT.replace('\n', "\\r\\n")), expected);
        assert_eq!(read(&STANDARD.encode(TEXT)), expected);
        assert_eq!(read(&format!(" {}\n", STANDARD.encode(TEXT))), expected);
    }

    #[test]
    fn what_is_not_one_readable_block_is_refused_with_the_reason() {
        let twice = format!("{TEXT}{TEXT}");
        let escaped = TEXT.replace('\n', "\\\\n");
        let encrypted = TEXT.replace("AAEC", "Proc-Type: 4,ENCRYPTED\n\nAAEC");
        for (text, fault) in [
            ("", KeyFault::NotPem),
            ("secret", KeyFault::NotPem),
            ("-----BEGIN THING-----\nAAEC\n", KeyFault::NotPem),
            ("-----BEGIN THING-----\nAAEC\n-----END OTHER-----", KeyFault::NotPem),
            ("-----BEGIN THING-----\nAA*C\n-----END THING-----", KeyFault::NotPem),
            (escaped.as_str(), KeyFault::EscapedTwice),
            (twice.as_str(), KeyFault::SeveralBlocks),
            (encrypted.as_str(), KeyFault::Encrypted),
        ] {
            assert_eq!(PemBlock::read(text).err(), Some(fault), "{text}");
        }
    }
}
