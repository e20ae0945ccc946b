-- Whether the address of an identity was verified by nothing but its provider being the authority over it, without a statement of its
-- own. Such an address counts only while the provider is that. A program that does not know the column states, and writes no other.
ALTER TABLE identities ADD COLUMN email_by_authority BOOLEAN NOT NULL DEFAULT FALSE;
