-- How often a delivery had been tried when somebody last had it sent once more; attempts say whether they come of that.
ALTER TABLE delivery_queue ADD COLUMN resent_at_count INTEGER;
ALTER TABLE delivery_ends ADD COLUMN resent_at_count INTEGER;
ALTER TABLE attempts ADD COLUMN manual SMALLINT NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW deliveries AS
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, due_at_ms,
       created_at_ms, NULL::bigint AS finished_at_ms, last_error, resent_at_count FROM delivery_queue
UNION ALL
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, NULL::bigint,
       created_at_ms, finished_at_ms, last_error, resent_at_count FROM delivery_ends;
