//! The use cases: start and finish sign-in, check, authorize, choose a username, sign out.
