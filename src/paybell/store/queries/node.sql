-- node_join [sqlite] --
-- A process has begun to serve.
INSERT INTO nodes (id, name, roles, version, started_at_ms, beat_no, beat_at_ms, clock_off_ms, figures)
VALUES ($1, $2, $3, $4, $5, 0, $5, 0, $6);

-- node_join [postgres] --
-- A process has begun to serve; give the number under which it holds leases.
INSERT INTO nodes (id, name, roles, version, started_at_ms, beat_no, beat_at_ms, clock_off_ms, figures)
VALUES ($1, $2, $3, $4, $5::bigint, 0, extract(epoch FROM clock_timestamp()) * 1000, $5::bigint - extract(epoch FROM clock_timestamp()) * 1000, $6)
RETURNING no;

-- node_beat [sqlite] --
-- A sign of life.
UPDATE nodes SET beat_no = beat_no + 1, beat_at_ms = $1, figures = $2 WHERE id = $3 RETURNING id;

-- node_beat [postgres] --
-- A sign of life; none for a node that others have taken for dead.
UPDATE nodes SET beat_no = beat_no + 1, beat_at_ms = extract(epoch FROM clock_timestamp()) * 1000,
                 clock_off_ms = $2::bigint - extract(epoch FROM clock_timestamp()) * 1000, figures = $3
 WHERE id = $1
RETURNING id;

-- node_time [postgres] --
-- The database's time.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- node_list --
-- Every node, oldest first.
SELECT id, name, roles, version, started_at_ms, figures, beat_no, beat_at_ms, clock_off_ms FROM nodes ORDER BY id;

-- node_bury [sqlite] --
-- Forget a node that gave no sign of life after this one (-1: whatever it gave).
DELETE FROM nodes WHERE id = $1 AND $2 IN (beat_no, -1) RETURNING id;

-- node_forget [sqlite] --
-- A single process took over: whoever served before is gone.
DELETE FROM nodes;

-- node_bury [postgres] --
-- Forget nodes that gave no sign of life after this one (-1: whatever they gave), and make due what they had leased.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::bigint[]) AS g (id, beat_no)
), gone AS (
    DELETE FROM nodes AS n USING given AS g WHERE n.id = g.id AND g.beat_no IN (n.beat_no, -1) RETURNING n.id, n.no
), notifications AS (
    UPDATE notification_queue SET leased = false, node_no = 0, due_at_ms = $3
     WHERE leased AND node_no IN (SELECT no FROM gone)
), deliveries AS (
    UPDATE delivery_queue SET state = 'due', node_no = 0, due_at_ms = $3
     WHERE state = 'leased' AND node_no IN (SELECT no FROM gone)
)
SELECT id FROM gone;

-- leader_get --
-- Who keeps house, and in which term.
SELECT node_id, term FROM leader WHERE id = 1;

-- leader_take --
-- Keep house from the next term on, unless somebody else has begun it.
UPDATE leader SET node_id = $1, term = term + 1 WHERE id = 1 AND term = $2 RETURNING term;

-- backlog_list [sqlite] --
-- What is due and nobody's yet, by step: how many (counted to a limit), and since when.
SELECT 'record', (SELECT count(*) FROM (SELECT 1 FROM notification_states
                  WHERE state = 'pending' AND state IN ('pending', 'needs_fetch') AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM notification_states WHERE state = 'pending' AND state IN ('pending', 'needs_fetch') AND due_at_ms <= $1)
UNION ALL
SELECT 'reconcile', (SELECT count(*) FROM (SELECT 1 FROM notification_states
                     WHERE state = 'needs_fetch' AND state IN ('pending', 'needs_fetch') AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM notification_states WHERE state = 'needs_fetch' AND state IN ('pending', 'needs_fetch') AND due_at_ms <= $1)
UNION ALL
SELECT 'deliver', (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state IN ('due', 'leased') AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM (SELECT due_at_ms FROM deliveries WHERE state IN ('due', 'leased') AND due_at_ms <= $1 LIMIT $2));

-- backlog_list [postgres] --
-- What is due and nobody's yet, by step: how many (counted to a limit), and since when.
SELECT 'record', (SELECT count(*) FROM (SELECT 1 FROM notification_queue
                  WHERE state = 'pending' AND NOT leased AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM notification_queue WHERE state = 'pending' AND NOT leased AND due_at_ms <= $1)
UNION ALL
SELECT 'reconcile', (SELECT count(*) FROM (SELECT 1 FROM notification_queue
                     WHERE state = 'needs_fetch' AND NOT leased AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM notification_queue WHERE state = 'needs_fetch' AND NOT leased AND due_at_ms <= $1)
UNION ALL
SELECT 'deliver', (SELECT count(*) FROM (SELECT 1 FROM delivery_queue WHERE state = 'due' AND due_at_ms <= $1 LIMIT $2)),
       (SELECT min(due_at_ms) FROM (SELECT due_at_ms FROM delivery_queue WHERE state = 'due' AND due_at_ms <= $1 LIMIT $2) AS first);

-- hint_tell [postgres] --
-- Tell whoever listens what to look at.
SELECT pg_notify($1, step) FROM unnest($2::text[]) AS g (step);

-- notification_reclaim [postgres] --
-- Make due what this node leased before some time and does not have in hand.
UPDATE notification_queue SET leased = false, node_no = 0, due_at_ms = $4
 WHERE leased AND node_no = $1 AND notification_id <> ALL($2::text[]) AND due_at_ms <= $3;

-- delivery_reclaim [postgres] --
-- Make due what this node leased before some time and does not have in hand.
UPDATE delivery_queue SET state = 'due', node_no = 0, due_at_ms = $4
 WHERE state = 'leased' AND node_no = $1 AND id <> ALL($2::text[]) AND due_at_ms <= $3;
