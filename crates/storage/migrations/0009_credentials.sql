-- What people and programs hold in order to be somebody here: browser sessions with their data, role accounts and tokens, and grants
-- with their access and refresh tokens. Every secret is here as its SHA-256 in lower-case hexadecimal, and nowhere as itself.

-- 'person' or 'role'. Nobody signs in as a role account: it has no identities.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';
-- What ends the tokens of a user, as generation ends the sessions: a token counts while the user has the number that it was made under.
ALTER TABLE users ADD COLUMN token_generation BIGINT NOT NULL DEFAULT 0;

-- 'token' or 'browser'. A session of a user token lives as long as the token; one of a browser ends when it is not used, too.
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'token';
-- When the person last signed in within this session, by our clock; 0 stands for created_at.
ALTER TABLE sessions ADD COLUMN signed_in_at BIGINT NOT NULL DEFAULT 0;
-- When the person last showed the provider who they are, as far as it states that; 0 stands for created_at.
ALTER TABLE sessions ADD COLUMN auth_time BIGINT NOT NULL DEFAULT 0;

-- The cookies of a browser session: one of the service itself (origin is empty), one of each app that it opened.
CREATE TABLE session_cookies (
    hash TEXT NOT NULL CONSTRAINT session_cookies_pkey PRIMARY KEY,
    session_id TEXT NOT NULL CONSTRAINT session_cookies_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT session_cookies_one_an_origin UNIQUE (session_id, origin)
);

-- What an app keeps in a session: a JSON object.
CREATE TABLE session_data (
    session_id TEXT NOT NULL CONSTRAINT session_data_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
    app TEXT NOT NULL,
    version BIGINT NOT NULL,
    data TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT session_data_pkey PRIMARY KEY (session_id, app)
);

CREATE TABLE role_accounts (
    user_id TEXT NOT NULL CONSTRAINT role_accounts_pkey PRIMARY KEY
        CONSTRAINT role_accounts_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    -- Null: it belongs to the administrators.
    owner_id TEXT CONSTRAINT role_accounts_owner_id_fkey REFERENCES users (id) ON DELETE SET NULL,
    description TEXT,
    -- A JSON object.
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Who made it: a user's id, or operator. No foreign key: it stays true when the user is gone.
    created_by TEXT NOT NULL
);
CREATE INDEX role_accounts_owner_id ON role_accounts (owner_id);

CREATE TABLE api_tokens (
    id TEXT NOT NULL CONSTRAINT api_tokens_pkey PRIMARY KEY,
    hash TEXT NOT NULL CONSTRAINT api_tokens_hash_unique UNIQUE,
    kind TEXT NOT NULL CONSTRAINT api_tokens_known_kind CHECK (kind IN ('personal', 'role')),
    user_id TEXT NOT NULL CONSTRAINT api_tokens_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Names of services separated by spaces, or * alone.
    services TEXT NOT NULL,
    -- Scopes separated by spaces.
    scopes TEXT NOT NULL,
    -- A JSON object.
    metadata TEXT NOT NULL,
    -- The last characters of the token, for people to know it by.
    hint TEXT NOT NULL,
    token_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- As of role_accounts.
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    last_used_ip TEXT,
    revoked_at BIGINT,
    -- The token whose successor this is. A token has one successor at most.
    rotated_from TEXT CONSTRAINT api_tokens_rotated_from_unique UNIQUE,
    CONSTRAINT api_tokens_of_people_expire CHECK (kind = 'role' OR expires_at IS NOT NULL)
);
CREATE INDEX api_tokens_user_id ON api_tokens (user_id);
CREATE INDEX api_tokens_expires_at ON api_tokens (expires_at);

-- What a person lent to a program: the parent of access and refresh tokens.
CREATE TABLE grants (
    id TEXT NOT NULL CONSTRAINT grants_pkey PRIMARY KEY,
    user_id TEXT NOT NULL CONSTRAINT grants_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    -- users.generation when it was made.
    user_generation BIGINT NOT NULL,
    -- The session that it ends with; null for one that outlives sessions.
    session_id TEXT CONSTRAINT grants_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
    client_name TEXT NOT NULL,
    services TEXT NOT NULL,
    scopes TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_because TEXT,
    user_agent TEXT,
    ip TEXT
);
CREATE INDEX grants_user_id ON grants (user_id);
CREATE INDEX grants_session_id ON grants (session_id);
CREATE INDEX grants_expires_at ON grants (expires_at);

CREATE TABLE access_tokens (
    hash TEXT NOT NULL CONSTRAINT access_tokens_pkey PRIMARY KEY,
    -- Null for a token that stands for a client alone.
    grant_id TEXT CONSTRAINT access_tokens_grant_id_fkey REFERENCES grants (id) ON DELETE CASCADE,
    services TEXT NOT NULL,
    scopes TEXT NOT NULL,
    -- That of the refresh token beside it.
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX access_tokens_grant_id_generation ON access_tokens (grant_id, generation);
CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
    grant_id TEXT NOT NULL CONSTRAINT refresh_tokens_grant_id_fkey REFERENCES grants (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it, or an access token of its generation, was first used.
    seen_at BIGINT,
    spent_at BIGINT,
    -- What it was answered by, under a key that only its text gives. Empty again after the grace.
    successor_sealed TEXT,
    CONSTRAINT refresh_tokens_one_a_generation UNIQUE (grant_id, generation)
);
