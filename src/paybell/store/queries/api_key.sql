-- organisation_create --
-- Add an organisation, unless another has its name.
INSERT INTO organisations (id, name, created_at_ms)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM organisations WHERE name = $4);

-- organisation_list --
-- All organisations, oldest first.
SELECT id, name, created_at_ms FROM organisations ORDER BY id;

-- api_key_insert --
-- Keep a key's hash.
INSERT INTO api_keys (id, organisation_id, name, key_hash, created_at_ms, expires_at_ms, scopes, application_id, session_id, limits)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (key_hash) DO NOTHING;

-- api_key_find --
-- The key with that hash.
SELECT id, organisation_id, name, created_at_ms, expires_at_ms, revoked_at_ms, scopes, used_at_ms, application_id, session_id, limits
  FROM api_keys WHERE key_hash = $1;

-- api_key_get --
-- An API key of an organisation.
SELECT id, organisation_id, name, created_at_ms, expires_at_ms, revoked_at_ms, scopes, used_at_ms, application_id, session_id, limits
  FROM api_keys WHERE id = $1 AND organisation_id = $2 AND application_id = '';

-- api_key_page --
-- An organisation's API keys, newest first.
SELECT id, organisation_id, name, created_at_ms, expires_at_ms, revoked_at_ms, scopes, used_at_ms, application_id, session_id, limits
  FROM api_keys
 WHERE organisation_id = :organisation_id AND id > :after AND id < :before AND application_id = ''
 ORDER BY organisation_id DESC, id DESC LIMIT :limit;

-- api_key_revoke --
-- End a key, unless it ends before.
UPDATE api_keys SET revoked_at_ms = CASE WHEN revoked_at_ms <= $1 THEN revoked_at_ms ELSE $1 END WHERE id = $2 AND organisation_id = $3;

-- api_key_revoke_of_application --
-- End an application's portal tokens, unless they end before.
UPDATE api_keys SET revoked_at_ms = $1
 WHERE organisation_id = $2 AND application_id = $3 AND application_id <> '' AND (revoked_at_ms IS NULL OR revoked_at_ms > $1);

-- api_key_revoke_of_session --
-- The same for those of one session.
UPDATE api_keys SET revoked_at_ms = $1
 WHERE organisation_id = $2 AND application_id = $3 AND application_id <> '' AND session_id = $4
   AND (revoked_at_ms IS NULL OR revoked_at_ms > $1);

-- api_key_touch --
-- Note that a key was used.
UPDATE api_keys SET used_at_ms = $1 WHERE id = $2;

-- api_key_delete_of_application --
-- Forget the portal tokens of an application that is deleted.
DELETE FROM api_keys WHERE organisation_id = $1 AND application_id = $2 AND application_id <> '';

-- api_key_drop --
-- Drop portal tokens that expired before a time, some at a time.
DELETE FROM api_keys
 WHERE id IN (SELECT id FROM api_keys WHERE application_id <> '' AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2);
