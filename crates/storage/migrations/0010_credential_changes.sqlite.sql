-- What the change feed tells of credentials. Told are changes, not beginnings, and not that something was used, spent or seen.

DROP TRIGGER users_tell_update;
CREATE TRIGGER users_tell_update AFTER UPDATE ON users
WHEN (OLD.id, OLD.username, OLD.username_key, OLD.name, OLD.email, OLD.avatar_url, OLD.attributes, OLD.join_date,
        OLD.disabled_at, OLD.tokens_valid_after, OLD.generation, OLD.kind, OLD.token_generation)
    IS NOT (NEW.id, NEW.username, NEW.username_key, NEW.name, NEW.email, NEW.avatar_url, NEW.attributes, NEW.join_date,
        NEW.disabled_at, NEW.tokens_valid_after, NEW.generation, NEW.kind, NEW.token_generation)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.id);
END;

DROP TRIGGER sessions_tell_update;
CREATE TRIGGER sessions_tell_update AFTER UPDATE ON sessions
WHEN (OLD.id, OLD.user_id, OLD.provider_id, OLD.created_at, OLD.expires_at, OLD.revoked_at, OLD.generation, OLD.kind,
        OLD.signed_in_at, OLD.auth_time)
    IS NOT (NEW.id, NEW.user_id, NEW.provider_id, NEW.created_at, NEW.expires_at, NEW.revoked_at, NEW.generation, NEW.kind,
        NEW.signed_in_at, NEW.auth_time)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
END;

CREATE TRIGGER session_cookies_tell_update AFTER UPDATE ON session_cookies
WHEN (OLD.hash, OLD.session_id, OLD.origin, OLD.created_at) IS NOT (NEW.hash, NEW.session_id, NEW.origin, NEW.created_at)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.session_id);
END;
-- A cookie that goes with its session is dead in every copy already.
CREATE TRIGGER session_cookies_tell_delete AFTER DELETE ON session_cookies
WHEN EXISTS (SELECT 1 FROM sessions WHERE id = OLD.session_id)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', OLD.session_id);
END;

CREATE TRIGGER api_tokens_tell_update AFTER UPDATE ON api_tokens
WHEN (OLD.id, OLD.hash, OLD.kind, OLD.user_id, OLD.services, OLD.scopes, OLD.metadata, OLD.token_generation, OLD.expires_at,
        OLD.revoked_at)
    IS NOT (NEW.id, NEW.hash, NEW.kind, NEW.user_id, NEW.services, NEW.scopes, NEW.metadata, NEW.token_generation, NEW.expires_at,
        NEW.revoked_at)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.id);
END;
CREATE TRIGGER api_tokens_tell_delete AFTER DELETE ON api_tokens
WHEN OLD.revoked_at IS NULL
    AND (OLD.expires_at IS NULL OR OLD.expires_at > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.id);
END;

CREATE TRIGGER grants_tell_update AFTER UPDATE ON grants
WHEN (OLD.id, OLD.user_id, OLD.user_generation, OLD.session_id, OLD.services, OLD.scopes, OLD.provider_id, OLD.auth_time,
        OLD.expires_at, OLD.revoked_at)
    IS NOT (NEW.id, NEW.user_id, NEW.user_generation, NEW.session_id, NEW.services, NEW.scopes, NEW.provider_id, NEW.auth_time,
        NEW.expires_at, NEW.revoked_at)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.id);
END;
CREATE TRIGGER grants_tell_delete AFTER DELETE ON grants
WHEN OLD.revoked_at IS NULL AND OLD.expires_at > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.id);
END;

CREATE TRIGGER access_tokens_tell_update AFTER UPDATE ON access_tokens
WHEN (OLD.hash, OLD.grant_id, OLD.services, OLD.scopes, OLD.generation, OLD.created_at, OLD.expires_at, OLD.revoked_at)
    IS NOT (NEW.hash, NEW.grant_id, NEW.services, NEW.scopes, NEW.generation, NEW.created_at, NEW.expires_at, NEW.revoked_at)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.hash);
END;
-- One that goes with its grant is dead in every copy by the grant's change.
CREATE TRIGGER access_tokens_tell_delete AFTER DELETE ON access_tokens
WHEN OLD.grant_id IS NULL AND OLD.revoked_at IS NULL
    AND OLD.expires_at > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000000
BEGIN
    INSERT INTO changes (kind, id) VALUES ('credential', OLD.hash);
END;

-- What an identity states decides which address its user has, and what plugins answer. With the first one the user begins.
CREATE TRIGGER identities_tell_insert AFTER INSERT ON identities
WHEN EXISTS (SELECT 1 FROM identities
    WHERE user_id = NEW.user_id AND (issuer <> NEW.issuer OR subject <> NEW.subject))
BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', NEW.user_id);
END;
CREATE TRIGGER identities_tell_update AFTER UPDATE ON identities
WHEN (OLD.issuer, OLD.subject, OLD.user_id, OLD.email, OLD.email_verified, OLD.email_by_authority, OLD.provider, OLD.claims,
        OLD.organizations)
    IS NOT (NEW.issuer, NEW.subject, NEW.user_id, NEW.email, NEW.email_verified, NEW.email_by_authority, NEW.provider, NEW.claims,
        NEW.organizations)
BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.user_id);
END;

-- Roles: those of a user are the user's change; those of an address, a domain or an organization may be anybody's.
CREATE TRIGGER role_assignments_tell_insert AFTER INSERT ON role_assignments BEGIN
    INSERT INTO changes (kind, id) VALUES (CASE WHEN NEW.user_id IS NULL THEN 'anything' ELSE 'user' END, COALESCE(NEW.user_id, ''));
END;
CREATE TRIGGER role_assignments_tell_delete AFTER DELETE ON role_assignments BEGIN
    INSERT INTO changes (kind, id) VALUES (CASE WHEN OLD.user_id IS NULL THEN 'anything' ELSE 'user' END, COALESCE(OLD.user_id, ''));
END;
CREATE TRIGGER role_assignments_tell_update AFTER UPDATE ON role_assignments BEGIN
    INSERT INTO changes (kind, id) VALUES ('anything', '');
END;
