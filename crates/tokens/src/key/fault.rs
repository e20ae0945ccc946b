//! Why a text or a file is not a key that we use.

use thiserror::Error;

use super::public::{MAX_BITS, MIN_BITS};

/// What is wrong with a key. Never says anything of the key's own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// No PEM block, or one that does not decode.
    #[error("this is not a PEM text")]
    NotPem,
    /// A PEM text whose line breaks were escaped once more on the way.
    #[error(
        "its line breaks are written as \\\\n, with two backslashes; write \\n with one, or real line breaks"
    )]
    EscapedTwice,
    /// More than one PEM block; each key has a file of its own.
    #[error("there is more than one PEM block, where one key is expected")]
    SeveralBlocks,
    /// A key that needs a passphrase.
    #[error("the key is encrypted; an unencrypted one in a file of mode 0600 is expected")]
    Encrypted,
    /// A PEM block of something that is no key, such as a certificate.
    #[error("the PEM block is not a key in PKCS#1, PKCS#8 or SubjectPublicKeyInfo form")]
    OtherContent,
    /// A key of another algorithm, such as an elliptic curve.
    #[error("the key is not an RSA key")]
    OtherAlgorithm,
    /// The encoding is broken, or the numbers do not belong together.
    #[error("the key is malformed, or its numbers do not belong together")]
    Malformed,
    /// Too short to be safe.
    #[error("the key has {bits} bits, and at least {MIN_BITS} are needed")]
    TooShort {
        /// The length of its modulus.
        bits: usize,
    },
    /// Too long to be practical.
    #[error("the key has {bits} bits, and at most {MAX_BITS} are accepted")]
    TooLong {
        /// The length of its modulus.
        bits: usize,
    },
    /// A public exponent that makes signatures easy to forge, or that other software refuses.
    #[error("the public exponent is not an odd number from 65537 to 2^33 - 1")]
    Exponent,
    /// A key of a broken generator.
    #[error("the key comes from a generator whose keys can be factored (ROCA, CVE-2017-15361)")]
    Roca,
    /// A public key where the private one belongs.
    #[error("a private key is expected, and this is a public one")]
    PublicGiven,
    /// A private key where the public one belongs.
    #[error("a public key is expected, and this is a private one")]
    PrivateGiven,
    /// The public key given is that of another private key.
    #[error("the public key does not belong to the private key")]
    Mismatch,
    /// Others on the machine may read or change the file.
    #[error(
        "its mode is {mode:04o}, which lets others read or change it; use 0600 for a private key, 0644 for a public one"
    )]
    Exposed {
        /// The permission bits.
        mode: u32,
    },
    /// A symbolic link, which could be made to lead anywhere.
    #[error("it is a symbolic link; the folder must hold the files themselves")]
    SymbolicLink,
    /// A directory, a pipe or the like.
    #[error("it is not an ordinary file")]
    NotAFile,
    /// A file of another user.
    #[error("it belongs to user {uid}, and neither to the user of this program nor to root")]
    ForeignOwner {
        /// Whose it is.
        uid: u32,
    },
    /// Far larger than any key.
    #[error("it is larger than any key")]
    TooLarge,
}
