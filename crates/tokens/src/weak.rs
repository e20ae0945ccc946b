//! Recognising keys of a generator that is known to be broken.

/// The odd primes up to 167, the ones whose product the broken generator worked with.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a modulus carries the mark of ROCA (CVE-2017-15361): modulo every small prime it is a power of 65537.
///
/// A modulus from any other generator has this property with a probability below 2^-27, and the remedy is
/// to generate another.
pub(crate) fn has_roca_mark(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| is_power_of_65537(remainder(modulus, prime), prime))
}

/// A big-endian number modulo a small one.
fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % divisor)
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    let mut power = 1;
    for _ in 1..prime {
        if power == value {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use rsa::BigUint;

    #[test]
    fn m4_a_modulus_of_the_roca_generator_is_recognised() {
        let marked = BigUint::from(65_537_u32).modpow(
            &BigUint::from(4_711_u32),
            &PRIMES.iter().fold(BigUint::from(1_u32), |product, &prime| product * prime),
        );
        assert!(has_roca_mark(&marked.to_bytes_be()));
        assert!(!has_roca_mark(&(marked + 1_u32).to_bytes_be()));
    }

    #[test]
    fn an_ordinary_modulus_is_not_marked() {
        for key in [testing::first(), testing::second()] {
            assert!(!has_roca_mark(&key.modulus));
        }
    }
}
