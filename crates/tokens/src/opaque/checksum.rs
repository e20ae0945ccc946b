//! The last characters of a secret: CRC-32/ISO-HDLC of all before, in base 62.

use super::DIGITS;

/// Enough digits for every number of 32 bits.
pub(super) const LENGTH: usize = 6;

/// The checksum of a text, with the most significant digit first.
pub(super) fn of(text: &[u8]) -> [u8; LENGTH] {
    let mut rest = u64::from(crc32fast::hash(text));
    let mut digits = [b'0'; LENGTH];
    for place in digits.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        *place = DIGITS.get(digit).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// Whether a text ends with the checksum of all before.
pub(super) fn is_right(text: &[u8]) -> bool {
    text.split_last_chunk::<LENGTH>().is_some_and(|(before, stated)| {
        before.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') && of(before) == *stated
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(digits: [u8; LENGTH]) -> u64 {
        let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte).unwrap() as u64;
        digits.into_iter().fold(0, |value, byte| value * 62 + digit(byte))
    }

    #[test]
    fn the_checksum_is_that_of_its_catalogue() {
        // The check value of CRC-32/ISO-HDLC, as the catalogue of Greg Cook has it.
        assert_eq!(value(of(b"123456789")), 0xcbf4_3926);
        assert_eq!(of(b""), *b"000000");
        assert_eq!(of(b"123456789"), *b"3jZRME");
    }
}
