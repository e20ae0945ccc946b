-- Whoever keeps a copy of a user or a session is told when it changes, in the transaction that changes it: also when a
-- command, an older program or a hand at the database does it. Told are changes, not beginnings, so that a sign-in costs
-- nothing more; and not that a session was used.

CREATE FUNCTION vestibule_tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A payload that is too long would make the write fail. No id of ours comes near.
    PERFORM pg_notify('vestibule_changes', TG_ARGV[0] || ' ' || left(OLD.id, 200));
    RETURN NULL;
END
$$;

CREATE FUNCTION vestibule_tell_upheaval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_changes', 'anything');
    RETURN NULL;
END
$$;

CREATE TRIGGER users_tell_update AFTER UPDATE ON users FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION vestibule_tell_change('user');
CREATE TRIGGER users_tell_delete AFTER DELETE ON users FOR EACH ROW
    EXECUTE FUNCTION vestibule_tell_change('user');
CREATE TRIGGER users_tell_truncate AFTER TRUNCATE ON users
    EXECUTE FUNCTION vestibule_tell_upheaval();

CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at)
        IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at))
    EXECUTE FUNCTION vestibule_tell_change('session');
-- What is over is dead in every copy already, and is deleted by the thousand.
CREATE TRIGGER sessions_tell_delete AFTER DELETE ON sessions FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > extract(epoch FROM now()) * 1000000)
    EXECUTE FUNCTION vestibule_tell_change('session');
CREATE TRIGGER sessions_tell_truncate AFTER TRUNCATE ON sessions
    EXECUTE FUNCTION vestibule_tell_upheaval();
