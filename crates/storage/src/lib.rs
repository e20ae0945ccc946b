//! Users, identities and sessions in SQLite or PostgreSQL.
