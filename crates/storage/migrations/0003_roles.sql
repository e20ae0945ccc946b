-- Roles that the operator has assigned.

CREATE TABLE role_assignments (
    id TEXT NOT NULL CONSTRAINT role_assignments_pkey PRIMARY KEY,
    subject_kind TEXT NOT NULL,
    -- In the form in which subjects of this kind are compared.
    subject TEXT NOT NULL,
    -- The subject once more when it is a user, so that the assignment goes when the user does.
    user_id TEXT CONSTRAINT role_assignments_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    -- Null means every service.
    service TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT role_assignments_known_kind CHECK (subject_kind IN ('user', 'email', 'domain', 'organization')),
    CONSTRAINT role_assignments_user_is_subject CHECK ((subject_kind = 'user') = (user_id IS NOT NULL)),
    CONSTRAINT role_assignments_user_id_is_subject CHECK (user_id IS NULL OR user_id = subject)
);
CREATE UNIQUE INDEX role_assignments_unique ON role_assignments (subject, subject_kind, role, COALESCE(service, ''));
CREATE INDEX role_assignments_user_id ON role_assignments (user_id);
