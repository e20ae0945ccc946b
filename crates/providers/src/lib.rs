//! Sign-in at Google, GitHub and any OpenID Connect issuer.
