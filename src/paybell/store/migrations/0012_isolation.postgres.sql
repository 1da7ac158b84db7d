-- How endpoints that are not well are doing, and turns of what may be sent only so many a second.
-- (`failing_endpoints` is not read any more; it stays for nodes of the version before.)
CREATE TABLE endpoint_states (
    endpoint_id         TEXT COLLATE "C" PRIMARY KEY,
    breaker             TEXT NOT NULL CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_since_ms    BIGINT NOT NULL,
    failing_since_ms    BIGINT NOT NULL,
    failure_count       INTEGER NOT NULL,
    probe_count         INTEGER NOT NULL,
    concurrency         INTEGER NOT NULL,
    held_until_ms       BIGINT NOT NULL,
    held_reason         TEXT NOT NULL,
    recovering_since_ms BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO endpoint_states SELECT endpoint_id, 'closed', 0, since_ms, 1, 0, 1, 0, '', 0 FROM failing_endpoints;

CREATE TABLE send_turns (
    name           TEXT COLLATE "C" PRIMARY KEY,
    taken_until_us BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- First tries that wait in the store; those that are handed on in memory are leased, and not in it.
CREATE INDEX delivery_queue_first ON delivery_queue (endpoint_id, due_at_ms) WHERE state = 'due' AND attempt_count = 0;

