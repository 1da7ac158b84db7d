-- What keys may do (comma-joined scopes), when they were last used, and portal tokens: keys held to one application.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE api_keys ADD COLUMN used_at_ms INTEGER;
ALTER TABLE api_keys ADD COLUMN application_id TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
-- A token's capabilities and feature flags, as JSON; '' for a key.
ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '';

CREATE INDEX api_keys_by_organisation ON api_keys (organisation_id, id) WHERE application_id = '';
CREATE INDEX api_keys_by_application ON api_keys (application_id) WHERE application_id <> '';
CREATE INDEX api_keys_by_end ON api_keys (expires_at_ms) WHERE application_id <> '';
