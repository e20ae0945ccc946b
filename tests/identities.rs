//! Who is who: identities, addresses, hostile profiles.
