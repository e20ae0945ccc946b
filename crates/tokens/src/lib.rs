//! Key ring, signing, verification, JWKS and PEM, sealing of sign-in attempts.
