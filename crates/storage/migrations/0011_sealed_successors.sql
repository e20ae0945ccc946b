-- Finds what is to be cleared of refresh tokens that were spent a while ago.
CREATE INDEX refresh_tokens_sealed ON refresh_tokens (spent_at) WHERE successor_sealed IS NOT NULL;
