-- Both databases read this file: only TEXT, BIGINT, BOOLEAN and INTEGER, and no function that one of them lacks.
-- A moment is a number of microseconds since the Unix epoch.

CREATE TABLE users (
    id TEXT NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    username TEXT,
    -- What two usernames are compared by; null until the person chooses.
    username_key TEXT CONSTRAINT users_username_key_unique UNIQUE,
    name TEXT,
    email TEXT,
    avatar_url TEXT,
    attributes TEXT NOT NULL,
    join_date BIGINT NOT NULL,
    disabled_at BIGINT,
    -- A session that began before this moment is dead.
    tokens_valid_after BIGINT NOT NULL,
    CONSTRAINT users_username_and_key_together CHECK ((username IS NULL) = (username_key IS NULL))
);

CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL CONSTRAINT identities_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    login TEXT,
    email TEXT,
    email_verified BOOLEAN NOT NULL,
    last_used_at BIGINT NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user_id ON identities (user_id);

-- Who holds a verified address now. The primary key decides when two sign-ins bring one address at once.
CREATE TABLE verified_emails (
    address TEXT NOT NULL CONSTRAINT verified_emails_pkey PRIMARY KEY,
    user_id TEXT NOT NULL CONSTRAINT verified_emails_user_id_fkey REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX verified_emails_user_id ON verified_emails (user_id);

CREATE TABLE sessions (
    id TEXT NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id TEXT NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    provider_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    user_agent TEXT,
    ip TEXT
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE spent_attempts (
    id TEXT NOT NULL CONSTRAINT spent_attempts_pkey PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_attempts_expires_at ON spent_attempts (expires_at);
