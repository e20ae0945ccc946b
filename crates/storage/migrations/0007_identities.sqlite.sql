-- Which identities count, and which never join anybody again.

-- The issuer of the identity that a session came by. Empty of a session that a program wrote which does not note it: such a
-- session is of the identity that the user has under its provider and subject. Not filled here: a table of sessions may be
-- long, and nobody can be looked up while it is written.
ALTER TABLE sessions ADD COLUMN issuer TEXT NOT NULL DEFAULT '';

-- An identity that was taken away from a user. While there is a row, no address of the identity counts for anything.
CREATE TABLE identity_refusals (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL CONSTRAINT identity_refusals_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    CONSTRAINT identity_refusals_pkey PRIMARY KEY (issuer, subject, user_id)
);
CREATE INDEX identity_refusals_user_id ON identity_refusals (user_id);

-- Which organizations were ever seen under a login, in lower case. A login with several numbers has changed hands.
CREATE TABLE organization_logins (
    issuer TEXT NOT NULL,
    login TEXT NOT NULL,
    id BIGINT NOT NULL,
    CONSTRAINT organization_logins_pkey PRIMARY KEY (issuer, login, id)
);

-- By whose statement alone a role counts. Null means any provider that is configured.
ALTER TABLE role_assignments ADD COLUMN provider TEXT;
DROP INDEX role_assignments_unique;
CREATE UNIQUE INDEX role_assignments_unique
    ON role_assignments (subject, subject_kind, role, COALESCE(service, ''), COALESCE(provider, ''));

-- An organization is its number from now on. What was assigned to a login counts for nothing until it is granted again.
UPDATE role_assignments SET subject = 'login:' || subject WHERE subject_kind = 'organization';

-- What plugins said about a user is out of date when an identity goes. A sign-in tells of itself by the user's row.
CREATE TRIGGER identities_tell_delete AFTER DELETE ON identities BEGIN
    INSERT INTO changes (kind, id) VALUES ('user', OLD.user_id);
END;
