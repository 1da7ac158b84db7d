-- One index for what waits, first tries apart from retries: two of them held each first try twice.
ALTER TABLE deliveries ADD COLUMN is_retry INTEGER NOT NULL GENERATED ALWAYS AS (attempt_count > 0) VIRTUAL;
DROP INDEX deliveries_first;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, is_retry, due_at_ms) WHERE state IN ('due', 'leased');
