-- What ends the sessions of a user is a counter in the place of a moment: a session has the number that its user had when
-- it began, and counts while the user has it still. So no two clocks are compared.

-- What was over by the moment stays over. Nobody moves the moment meanwhile; those who read go on.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
UPDATE sessions SET revoked_at = users.tokens_valid_after FROM users
    WHERE users.id = sessions.user_id AND sessions.revoked_at IS NULL AND sessions.created_at < users.tokens_valid_after;

ALTER TABLE users ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;

-- A program of the version before writes the moment alone.
CREATE FUNCTION vestibule_raise_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.generation := OLD.generation + 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER users_raise_generation BEFORE UPDATE OF tokens_valid_after ON users FOR EACH ROW
    WHEN (NEW.tokens_valid_after > OLD.tokens_valid_after AND NEW.generation = OLD.generation)
    EXECUTE FUNCTION vestibule_raise_generation();

DROP TRIGGER sessions_tell_update ON sessions;
CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at, OLD.generation)
        IS DISTINCT FROM
        (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at, NEW.generation))
    EXECUTE FUNCTION vestibule_tell_change('session');
-- What has been over for a day by this clock is over by every other, dead in every copy, and deleted by the thousand.
DROP TRIGGER sessions_tell_delete ON sessions;
CREATE TRIGGER sessions_tell_delete AFTER DELETE ON sessions FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > (extract(epoch FROM now()) - 86400) * 1000000)
    EXECUTE FUNCTION vestibule_tell_change('session');
