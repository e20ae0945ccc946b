-- What the change feed tells of credentials. Told are changes, not beginnings, and not that something was used, spent or seen.

-- As vestibule_tell_change, of the column that the second argument names.
CREATE FUNCTION vestibule_tell_change_by() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_changes', TG_ARGV[0] || ' ' || left(to_jsonb(OLD) ->> TG_ARGV[1], 200));
    RETURN NULL;
END
$$;

DROP TRIGGER sessions_tell_update ON sessions;
CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at, OLD.generation, OLD.kind,
            OLD.signed_in_at, OLD.auth_time)
        IS DISTINCT FROM
        (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at, NEW.generation, NEW.kind,
            NEW.signed_in_at, NEW.auth_time))
    EXECUTE FUNCTION vestibule_tell_change('session');

CREATE TRIGGER session_cookies_tell_update AFTER UPDATE ON session_cookies FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION vestibule_tell_change_by('session', 'session_id');

-- A cookie that goes with its session is dead in every copy already.
CREATE FUNCTION vestibule_tell_lost_cookie() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sessions WHERE id = OLD.session_id) THEN
        PERFORM pg_notify('vestibule_changes', 'session ' || left(OLD.session_id, 200));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER session_cookies_tell_delete AFTER DELETE ON session_cookies FOR EACH ROW
    EXECUTE FUNCTION vestibule_tell_lost_cookie();
CREATE TRIGGER session_cookies_tell_truncate AFTER TRUNCATE ON session_cookies
    EXECUTE FUNCTION vestibule_tell_upheaval();

CREATE TRIGGER api_tokens_tell_update AFTER UPDATE ON api_tokens FOR EACH ROW
    WHEN ((OLD.id, OLD.hash, OLD.kind, OLD.user_id, OLD.services, OLD.scopes, OLD.metadata, OLD.token_generation,
            OLD.expires_at, OLD.revoked_at)
        IS DISTINCT FROM
        (NEW.id, NEW.hash, NEW.kind, NEW.user_id, NEW.services, NEW.scopes, NEW.metadata, NEW.token_generation,
            NEW.expires_at, NEW.revoked_at))
    EXECUTE FUNCTION vestibule_tell_change('credential');
CREATE TRIGGER api_tokens_tell_delete AFTER DELETE ON api_tokens FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL
        AND (OLD.expires_at IS NULL OR OLD.expires_at > (extract(epoch FROM now()) - 86400) * 1000000))
    EXECUTE FUNCTION vestibule_tell_change('credential');
CREATE TRIGGER api_tokens_tell_truncate AFTER TRUNCATE ON api_tokens
    EXECUTE FUNCTION vestibule_tell_upheaval();

CREATE TRIGGER grants_tell_update AFTER UPDATE ON grants FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.user_generation, OLD.session_id, OLD.services, OLD.scopes, OLD.provider_id, OLD.auth_time,
            OLD.expires_at, OLD.revoked_at)
        IS DISTINCT FROM
        (NEW.id, NEW.user_id, NEW.user_generation, NEW.session_id, NEW.services, NEW.scopes, NEW.provider_id, NEW.auth_time,
            NEW.expires_at, NEW.revoked_at))
    EXECUTE FUNCTION vestibule_tell_change('credential');
CREATE TRIGGER grants_tell_delete AFTER DELETE ON grants FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > (extract(epoch FROM now()) - 86400) * 1000000)
    EXECUTE FUNCTION vestibule_tell_change('credential');
CREATE TRIGGER grants_tell_truncate AFTER TRUNCATE ON grants
    EXECUTE FUNCTION vestibule_tell_upheaval();

CREATE TRIGGER access_tokens_tell_update AFTER UPDATE ON access_tokens FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION vestibule_tell_change_by('credential', 'hash');
-- One that goes with its grant is dead in every copy by the grant's change.
CREATE TRIGGER access_tokens_tell_delete AFTER DELETE ON access_tokens FOR EACH ROW
    WHEN (OLD.grant_id IS NULL AND OLD.revoked_at IS NULL
        AND OLD.expires_at > (extract(epoch FROM now()) - 86400) * 1000000)
    EXECUTE FUNCTION vestibule_tell_change_by('credential', 'hash');
CREATE TRIGGER access_tokens_tell_truncate AFTER TRUNCATE ON access_tokens
    EXECUTE FUNCTION vestibule_tell_upheaval();

-- What an identity states decides which address its user has, and what plugins answer. With the first one the user begins.
CREATE FUNCTION vestibule_tell_further_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM identities
            WHERE user_id = NEW.user_id AND (issuer <> NEW.issuer OR subject <> NEW.subject)) THEN
        PERFORM pg_notify('vestibule_changes', 'user ' || left(NEW.user_id, 200));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER identities_tell_insert AFTER INSERT ON identities FOR EACH ROW
    EXECUTE FUNCTION vestibule_tell_further_identity();
CREATE TRIGGER identities_tell_update AFTER UPDATE ON identities FOR EACH ROW
    WHEN ((OLD.issuer, OLD.subject, OLD.user_id, OLD.email, OLD.email_verified, OLD.email_by_authority, OLD.provider, OLD.claims,
            OLD.organizations)
        IS DISTINCT FROM
        (NEW.issuer, NEW.subject, NEW.user_id, NEW.email, NEW.email_verified, NEW.email_by_authority, NEW.provider, NEW.claims,
            NEW.organizations))
    EXECUTE FUNCTION vestibule_tell_change_by('user', 'user_id');

-- Roles: those of a user are the user's change; those of an address, a domain or an organization may be anybody's.
CREATE FUNCTION vestibule_tell_role() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    assignment role_assignments%ROWTYPE;
BEGIN
    IF TG_OP = 'DELETE' THEN assignment := OLD; ELSE assignment := NEW; END IF;
    IF assignment.user_id IS NULL THEN
        PERFORM pg_notify('vestibule_changes', 'anything');
    ELSE
        PERFORM pg_notify('vestibule_changes', 'user ' || left(assignment.user_id, 200));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER role_assignments_tell AFTER INSERT OR DELETE ON role_assignments FOR EACH ROW
    EXECUTE FUNCTION vestibule_tell_role();
CREATE TRIGGER role_assignments_tell_update AFTER UPDATE ON role_assignments
    EXECUTE FUNCTION vestibule_tell_upheaval();
CREATE TRIGGER role_assignments_tell_truncate AFTER TRUNCATE ON role_assignments
    EXECUTE FUNCTION vestibule_tell_upheaval();
