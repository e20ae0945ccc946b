//! Where a sign-in may lead.
