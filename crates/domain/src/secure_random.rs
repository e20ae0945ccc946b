//! Cryptographic randomness as an argument.

/// Where unpredictable bytes come from.
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes` with unpredictable ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no id or nonce is safe: ending is the only right answer"
    )]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

impl dyn SecureRandom + '_ {
    /// `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_fills_every_byte_and_never_twice_alike() {
        let random: &dyn SecureRandom = &SystemRandom;
        let (one, other) = (random.bytes::<32>(), random.bytes::<32>());
        assert_ne!(one, other);
        assert!(one[16..] != [0; 16] && one[..16] != [0; 16]);
    }
}
