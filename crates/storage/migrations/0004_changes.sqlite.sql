-- Whoever keeps a copy of a user or a session reads here what has changed: also when a command, an older program or a hand
-- at the file did it. Noted are changes, not beginnings, so that a sign-in costs nothing more; and not that a session was used.

CREATE TABLE changes (
    -- Without gaps: what rolls back takes its number along.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL
);
CREATE TRIGGER changes_keep_the_latest AFTER INSERT ON changes BEGIN
    DELETE FROM changes WHERE seq <= NEW.seq - 10000;
END;

CREATE TRIGGER users_tell_update AFTER UPDATE ON users
WHEN (OLD.id, OLD.username, OLD.username_key, OLD.name, OLD.email, OLD.avatar_url, OLD.attributes, OLD.join_date,
        OLD.disabled_at, OLD.tokens_valid_after)
    IS NOT (NEW.id, NEW.username, NEW.username_key, NEW.name, NEW.email, NEW.avatar_url, NEW.attributes, NEW.join_date,
        NEW.disabled_at, NEW.tokens_valid_after)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.id);
END;
CREATE TRIGGER users_tell_delete AFTER DELETE ON users BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.id);
END;

CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions
WHEN (OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at)
    IS NOT (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
END;
-- What is over is dead in every copy already, and is deleted by the thousand.
CREATE TRIGGER sessions_tell_delete AFTER DELETE ON sessions
WHEN OLD.revoked_at IS NULL AND OLD.expires_at > CAST(strftime('%s', 'now') AS INTEGER) * 1000000
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
END;
