-- Why a dead letter is one, as a word; those that are there already said so in their last error.
ALTER TABLE deliveries ADD COLUMN dead_reason TEXT NOT NULL DEFAULT ''
    CHECK (dead_reason IN ('', 'exhausted', 'gone', 'endpoint_disabled', 'endpoint_deleted', 'expunged'));
UPDATE deliveries
   SET dead_reason = CASE WHEN last_error = 'the endpoint was deleted' THEN 'endpoint_deleted'
                          WHEN last_error LIKE 'disabled: %' THEN 'endpoint_disabled'
                          WHEN last_error IN ('its payload was deleted', 'its payload was to be kept no longer') THEN 'expunged'
                          WHEN last_error = 'answered 410' THEN 'gone'
                          ELSE 'exhausted' END
 WHERE state = 'dead';

-- Lists of an application, lists of an endpoint, and what is recovered of one in the order of its messages.
CREATE INDEX deliveries_dead ON deliveries (application_id, id) WHERE state = 'dead';
CREATE INDEX deliveries_dead_by_endpoint ON deliveries (endpoint_id, id) WHERE state = 'dead';
CREATE INDEX deliveries_dead_by_message ON deliveries (endpoint_id, message_id) WHERE state = 'dead';

CREATE VIEW dead_letters AS
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, due_at_ms,
       created_at_ms, finished_at_ms, last_error, resent_at_count, dead_reason
  FROM deliveries WHERE state = 'dead';
