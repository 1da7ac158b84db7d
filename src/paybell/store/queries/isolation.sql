-- endpoint_state_list --
-- How all endpoints are doing that are not well.
SELECT endpoint_id, breaker, breaker_since_ms, failing_since_ms, failure_count, probe_count, concurrency, held_until_ms,
       held_reason, recovering_since_ms
  FROM endpoint_states ORDER BY endpoint_id;

-- delivery_waiting_count [sqlite] --
-- How many wait for an endpoint, counted no further than that.
SELECT count(*)
  FROM (SELECT 1 FROM deliveries WHERE state IN ('due', 'leased') AND state = 'due' AND endpoint_id = $1 LIMIT $2) AS found;

-- delivery_waiting_count [postgres] --
-- How many wait for an endpoint, counted no further than that.
SELECT count(*) FROM (SELECT 1 FROM delivery_queue WHERE state = 'due' AND endpoint_id = $1 LIMIT $2) AS found;

-- endpoint_state_get --
-- How an endpoint is doing, unless it is well.
SELECT endpoint_id, breaker, breaker_since_ms, failing_since_ms, failure_count, probe_count, concurrency, held_until_ms,
       held_reason, recovering_since_ms
  FROM endpoint_states WHERE endpoint_id = $1;

-- endpoint_state_lock [postgres] --
-- How endpoints are doing, before attempts at them are weighed.
SELECT endpoint_id, breaker, breaker_since_ms, failing_since_ms, failure_count, probe_count, concurrency, held_until_ms,
       held_reason, recovering_since_ms
  FROM endpoint_states WHERE endpoint_id = ANY ($1::text[]) ORDER BY endpoint_id FOR UPDATE;

-- endpoint_state_put [sqlite] --
-- How an endpoint is doing now.
INSERT OR REPLACE INTO endpoint_states (endpoint_id, breaker, breaker_since_ms, failing_since_ms, failure_count, probe_count,
                                        concurrency, held_until_ms, held_reason, recovering_since_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- endpoint_state_put [postgres] --
-- How endpoints are doing now.
INSERT INTO endpoint_states (endpoint_id, breaker, breaker_since_ms, failing_since_ms, failure_count, probe_count, concurrency,
                             held_until_ms, held_reason, recovering_since_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[],
                     $8::bigint[], $9::text[], $10::bigint[])
ON CONFLICT (endpoint_id) DO UPDATE
   SET breaker = excluded.breaker, breaker_since_ms = excluded.breaker_since_ms, failing_since_ms = excluded.failing_since_ms,
       failure_count = excluded.failure_count, probe_count = excluded.probe_count, concurrency = excluded.concurrency,
       held_until_ms = excluded.held_until_ms, held_reason = excluded.held_reason,
       recovering_since_ms = excluded.recovering_since_ms;

-- endpoint_recover [sqlite] --
-- It is well, or is to be tried anew.
DELETE FROM endpoint_states WHERE endpoint_id = $1;

-- endpoint_recover [postgres] --
-- They are well, or are to be tried anew.
DELETE FROM endpoint_states WHERE endpoint_id = ANY ($1::text[]);

-- endpoint_probe --
-- Take the next probe, unless somebody has moved its time on.
UPDATE endpoint_states SET breaker = $1, held_until_ms = $2
 WHERE endpoint_id = $3 AND held_until_ms = $4 AND breaker <> 'closed';

-- turn_take [sqlite] --
-- Take the turns of so many microseconds, if those before them are over.
INSERT INTO send_turns (name, taken_until_us) VALUES ($1, $2 + $3)
ON CONFLICT (name) DO UPDATE SET taken_until_us = max(taken_until_us, $4) + $3 WHERE taken_until_us <= $2
RETURNING name;

-- turn_take [postgres] --
-- Take the turns of so many microseconds each, where those before them are over.
INSERT INTO send_turns (name, taken_until_us)
SELECT name, $3 + step_us FROM unnest($1::text[], $2::bigint[]) AS g (name, step_us) ORDER BY name
ON CONFLICT (name) DO UPDATE
   SET taken_until_us = greatest(send_turns.taken_until_us, $4::bigint) + excluded.taken_until_us - $3::bigint
 WHERE send_turns.taken_until_us <= $3::bigint
RETURNING name;

-- turn_forget [sqlite] --
-- It is gone.
DELETE FROM send_turns WHERE name = $1;

-- turn_forget [postgres] --
-- They are gone.
DELETE FROM send_turns WHERE name = ANY ($1::text[]);
