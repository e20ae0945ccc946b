-- What a provider stated at the last sign-in of an identity, for plugins to decide by. The columns have defaults, because
-- a program of the version before writes rows without them.

-- The name under which the provider is configured. Empty until the identity signs in again, unless the issuer tells it.
ALTER TABLE identities ADD COLUMN provider TEXT NOT NULL DEFAULT '';
UPDATE identities SET provider = 'google' WHERE issuer = 'https://accounts.google.com';
UPDATE identities SET provider = 'github' WHERE issuer = 'https://github.com';

-- A JSON object: the claims that the operator chose to keep.
ALTER TABLE identities ADD COLUMN claims TEXT NOT NULL DEFAULT '{}';
-- A JSON array of logins.
ALTER TABLE identities ADD COLUMN organizations TEXT NOT NULL DEFAULT '[]';
