-- directory_version --
-- The number that rises with every change of a source or endpoint.
SELECT version FROM directory WHERE id = 1;

-- organisation_first --
-- The organisation a fresh installation has.
SELECT id, name, created_at_ms FROM organisations ORDER BY id LIMIT 1;

-- organisation_insert --
-- Add an organisation.
INSERT INTO organisations (id, name, created_at_ms) VALUES ($1, $2, $3);

-- source_insert --
-- Add a source.
INSERT INTO sources (id, organisation_id, uid, gateway, livemode, sealed, enabled, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (organisation_id, uid) DO NOTHING;

-- source_update --
-- Write what may change of a source.
UPDATE sources SET uid = $1, sealed = $2, enabled = $3 WHERE id = $4 AND organisation_id = $5;

-- source_delete --
-- Forget a source.
DELETE FROM sources WHERE id = $1 AND organisation_id = $2;

-- source_all --
-- Every source.
SELECT id, organisation_id, uid, gateway, livemode, sealed, enabled, created_at_ms FROM sources ORDER BY id;

-- application_insert --
-- Add an application.
INSERT INTO applications (id, organisation_id, uid, name, created_at_ms, updated_at_ms, options) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (organisation_id, uid) WHERE uid <> '' DO NOTHING;

-- application_update --
-- Write what may change of an application.
UPDATE applications SET uid = $1, name = $2, options = $3, updated_at_ms = $4 WHERE id = $5 AND organisation_id = $6;

-- application_delete --
-- Delete an application.
DELETE FROM applications WHERE id = $1 AND organisation_id = $2;

-- application_all --
-- Every application.
SELECT id, organisation_id, uid, name, created_at_ms, updated_at_ms, options FROM applications ORDER BY id;

-- endpoint_insert --
-- Add an endpoint.
INSERT INTO endpoints (id, organisation_id, application_id, uid, url, description, event_types, sealed, disabled, disabled_reason,
                       options, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (application_id, uid) WHERE uid <> '' DO NOTHING;

-- endpoint_update --
-- Write what may change of an endpoint.
UPDATE endpoints
   SET uid = $1, url = $2, description = $3, event_types = $4, sealed = $5, disabled = $6, disabled_reason = $7, options = $8,
       updated_at_ms = $9
 WHERE id = $10 AND organisation_id = $11;

-- endpoint_disable --
-- Send nothing more to an endpoint until somebody switches it on again.
UPDATE endpoints SET disabled = 1, disabled_reason = $1, updated_at_ms = $2 WHERE id = $3 AND disabled = 0;

-- endpoint_delete --
-- Delete an endpoint.
DELETE FROM endpoints WHERE id = $1 AND organisation_id = $2;

-- endpoint_ids --
-- The endpoints of an application.
SELECT id FROM endpoints WHERE application_id = $1 AND organisation_id = $2;

-- endpoint_all --
-- Every endpoint.
SELECT id, organisation_id, application_id, uid, url, description, event_types, sealed, disabled, disabled_reason, options,
       created_at_ms, updated_at_ms
  FROM endpoints ORDER BY id;

-- event_type_insert --
-- Add an event type.
INSERT INTO event_types (organisation_id, name, description, created_at_ms, updated_at_ms, options) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (organisation_id, name) DO NOTHING;

-- event_type_update --
-- Write what may change of an event type.
UPDATE event_types SET description = $1, options = $2, updated_at_ms = $3 WHERE organisation_id = $4 AND name = $5;

-- event_type_delete --
-- Forget an event type; messages of it stay.
DELETE FROM event_types WHERE organisation_id = $1 AND name = $2;

-- event_type_all --
-- Every organisation's own event types.
SELECT name, organisation_id, description, created_at_ms, updated_at_ms, options FROM event_types ORDER BY organisation_id, name;

-- status_counts --
-- How many rows of each kind and state.
SELECT 'notifications.' || state, count(*) FROM notification_states GROUP BY state
UNION ALL SELECT 'payments.' || status, count(*) FROM payments GROUP BY status
UNION ALL SELECT 'deliveries.' || state, count(*) FROM deliveries GROUP BY state
UNION ALL SELECT 'facts', count(*) FROM facts
UNION ALL SELECT 'postings', count(*) FROM postings
UNION ALL SELECT subject || 's.' || status, count(*) FROM account_items GROUP BY subject, status
UNION ALL SELECT 'entitlements.' || state, count(*) FROM entitlements GROUP BY state
UNION ALL SELECT 'expectations', count(*) FROM expectations
UNION ALL SELECT 'messages', count(*) FROM messages
UNION ALL SELECT 'attempts', count(*) FROM attempts
UNION ALL SELECT 'refusals', count(*) FROM refusals
UNION ALL SELECT 'sources', count(*) FROM sources
UNION ALL SELECT 'applications', count(*) FROM applications
UNION ALL SELECT 'endpoints', count(*) FROM endpoints;

-- organisation_lock [postgres] --
-- One process at a time makes the first organisation.
SELECT pg_advisory_xact_lock(7228, 2);

-- transaction_patience [postgres] --
-- This transaction may take as long as it takes: a migration of a large table, a whole database that is read or written.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true);

-- schema_impatience [postgres] --
-- But whoever wants a table that it waits for waits behind it: it gives up soon, and can be started again.
SELECT set_config('lock_timeout', '2000', true);

-- schema_lock [postgres] --
-- One process at a time changes the schema.
SELECT pg_advisory_xact_lock(7228, 1);

-- schema_create [postgres] --
-- Where the schema's number is kept.
CREATE TABLE IF NOT EXISTS paybell_schema (version INTEGER NOT NULL);

-- schema_there [postgres] --
-- Whether this database has ever had a schema of ours.
SELECT to_regclass('paybell_schema') IS NOT NULL;

-- directory_seal_get --
-- Something sealed under the key of this database, if anything was.
SELECT sealed FROM directory WHERE id = 1;

-- directory_seal_set --
-- From now on only that key opens this database.
UPDATE directory SET sealed = $1 WHERE id = 1 AND sealed IS NULL;

-- schema_version [postgres] --
-- The schema's number, 0 for none.
SELECT coalesce(max(version), 0) FROM paybell_schema;

-- schema_raise [postgres] --
-- The schema has this number now.
INSERT INTO paybell_schema (version) VALUES ($1);

-- status_size [postgres] --
-- The schema's number, and the bytes on disk.
SELECT (SELECT max(version) FROM paybell_schema), pg_database_size(current_database());
