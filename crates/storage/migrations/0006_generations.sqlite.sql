-- What ends the sessions of a user is a counter in the place of a moment: a session has the number that its user had when
-- it began, and counts while the user has it still. So no two clocks are compared.

ALTER TABLE users ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;

-- What was over by the moment stays over.
UPDATE sessions SET revoked_at = (SELECT tokens_valid_after FROM users WHERE users.id = sessions.user_id)
    WHERE revoked_at IS NULL
    AND created_at < (SELECT tokens_valid_after FROM users WHERE users.id = sessions.user_id);

-- A program of the version before writes the moment alone.
CREATE TRIGGER users_raise_generation AFTER UPDATE OF tokens_valid_after ON users
WHEN NEW.tokens_valid_after > OLD.tokens_valid_after AND NEW.generation = OLD.generation
BEGIN
    UPDATE users SET generation = OLD.generation + 1 WHERE id = NEW.id;
END;

DROP TRIGGER users_tell_update;
CREATE TRIGGER users_tell_update AFTER UPDATE ON users
WHEN (OLD.id, OLD.username, OLD.username_key, OLD.name, OLD.email, OLD.avatar_url, OLD.attributes, OLD.join_date,
        OLD.disabled_at, OLD.tokens_valid_after, OLD.generation)
    IS NOT (NEW.id, NEW.username, NEW.username_key, NEW.name, NEW.email, NEW.avatar_url, NEW.attributes, NEW.join_date,
        NEW.disabled_at, NEW.tokens_valid_after, NEW.generation)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.id);
END;

DROP TRIGGER sessions_tell_update;
CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions
WHEN (OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at, OLD.generation)
    IS NOT (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at, NEW.generation)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
END;
-- What has been over for a day by this clock is over by every other, dead in every copy, and deleted by the thousand.
DROP TRIGGER sessions_tell_delete;
CREATE TRIGGER sessions_tell_delete AFTER DELETE ON sessions
WHEN OLD.revoked_at IS NULL AND OLD.expires_at > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
END;
