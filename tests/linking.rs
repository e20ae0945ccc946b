//! Which sign-ins join which users.
