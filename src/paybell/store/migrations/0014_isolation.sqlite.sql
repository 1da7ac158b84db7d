-- How endpoints that are not well are doing, and turns of what may be sent only so many a second.
-- (`failing_endpoints` is not read any more; it stays for nodes of the version before.)
CREATE TABLE endpoint_states (
    endpoint_id         TEXT PRIMARY KEY,
    breaker             TEXT NOT NULL CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_since_ms    INTEGER NOT NULL,
    failing_since_ms    INTEGER NOT NULL,
    failure_count       INTEGER NOT NULL,
    probe_count         INTEGER NOT NULL,
    concurrency         INTEGER NOT NULL,
    held_until_ms       INTEGER NOT NULL,
    held_reason         TEXT NOT NULL,
    recovering_since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO endpoint_states SELECT endpoint_id, 'closed', 0, since_ms, 1, 0, 1, 0, '', 0 FROM failing_endpoints;

CREATE TABLE send_turns (
    name           TEXT PRIMARY KEY,
    taken_until_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- First tries that wait in the store; those that are handed on in memory are leased, and not in it.
CREATE INDEX deliveries_first ON deliveries (endpoint_id, due_at_ms) WHERE state = 'due' AND attempt_count = 0;

