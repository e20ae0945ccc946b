-- The audit trail. No foreign keys: what happened stays true when the user or the session is gone.

CREATE TABLE audit_events (
    -- The moment in 16 hexadecimal digits and as many of chance: in the order of time, so that new rows go to the end of
    -- the index and old ones are deleted from its beginning.
    id TEXT NOT NULL CONSTRAINT audit_events_pkey PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    -- A user's id, or operator, service or anybody.
    actor TEXT NOT NULL,
    user_id TEXT,
    session_id TEXT,
    provider TEXT,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    -- Null when nothing was refused.
    reason TEXT,
    -- A JSON object.
    details TEXT NOT NULL
);
CREATE INDEX audit_events_user_id ON audit_events (user_id, id);
