-- notification_insert [sqlite] --
-- Append a notification unless its source has, or once had, one with that dedupe key.
INSERT INTO notifications (id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
 WHERE NOT EXISTS (SELECT 1 FROM notification_keys WHERE source_id = $2 AND dedupe_key = $4)
ON CONFLICT (source_id, dedupe_key) DO NOTHING;

-- notification_state_insert [sqlite] --
-- Say what is to become of a notification just appended.
INSERT INTO notification_states (notification_id, organisation_id, source_id, state, due_at_ms) VALUES ($1, $2, $3, $4, $5);

-- notification_by_dedupe [sqlite] --
-- The notification that a duplicate repeats.
SELECT id FROM notifications WHERE source_id = $1 AND dedupe_key = $2
UNION ALL
SELECT notification_id FROM notification_keys WHERE source_id = $1 AND dedupe_key = $2;

-- hint_reopen [sqlite] --
-- The same hint came again: whatever was fetched before may be old.
UPDATE notification_states
   SET state = 'needs_fetch', wanted_no = wanted_no + 1, attempt_count = 0, reason = '', finished_at_ms = NULL, due_at_ms = $1
 WHERE notification_id = $2 AND state IN ('needs_fetch', 'fetched', 'parked');

-- hint_reopen [postgres] --
-- The same hint came again: whatever was fetched before may be old.
WITH given AS (
    SELECT id, max(at_ms) AS at_ms FROM unnest($1::text[], $2::bigint[]) AS g (id, at_ms) GROUP BY id
), waiting AS (
    UPDATE notification_queue
       SET wanted_no = wanted_no + 1, attempt_count = 0, reason = '', leased = false, due_at_ms = (SELECT max(at_ms) FROM given)
     WHERE notification_id = ANY ($1::text[]) AND state = 'needs_fetch'
), ended AS (
    DELETE FROM notification_ends AS e USING given AS g
     WHERE e.notification_id = g.id AND e.state IN ('fetched', 'parked')
    RETURNING e.notification_id, e.organisation_id, e.source_id, e.event, e.wanted_no, g.at_ms
)
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, event, wanted_no, due_at_ms)
SELECT notification_id, organisation_id, source_id, 'needs_fetch', false, event, wanted_no + 1, at_ms FROM ended;

-- notification_due [sqlite] --
-- Notifications in one state that are due, oldest first.
SELECT n.id, n.source_id, n.organisation_id, n.dedupe_key, n.origin, n.hint, n.received_at_ms, n.headers, n.body,
       s.attempt_count, s.wanted_no
  FROM notification_states AS s JOIN notifications AS n ON n.id = s.notification_id
 WHERE s.state = $1 AND s.state IN ('pending', 'needs_fetch') AND s.due_at_ms <= $2
 ORDER BY s.due_at_ms
 LIMIT $3;

-- notification_lease [sqlite] --
-- Nobody else claims it until then.
UPDATE notification_states SET due_at_ms = $1 WHERE notification_id = $2;

-- notification_state_get [sqlite] --
-- Whether a notification still waits to be recorded.
SELECT state FROM notification_states WHERE notification_id = $1;

-- notification_finish [sqlite] --
-- What became of a notification.
UPDATE notification_states
   SET state = $1, reason = $2, event = $3, finished_at_ms = $4, due_at_ms = NULL, attempt_count = attempt_count + 1
 WHERE notification_id = $5 AND state = 'pending';

-- notification_finish [postgres] --
-- What became of notifications.
-- (Here and in all that changes a queue the rows are found one by one, by LATERAL or = ANY: a join that was planned while the
-- queue was empty would read all of it when it is full.)
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS g (state, reason, event, at_ms, id)
), ended AS MATERIALIZED (
    SELECT q.notification_id, q.organisation_id, q.source_id, g.state, g.reason, g.event, q.attempt_count, q.wanted_no, g.at_ms
      FROM given AS g CROSS JOIN LATERAL (
           SELECT * FROM notification_queue WHERE notification_id = g.id AND state = 'pending' FOR UPDATE) AS q
), gone AS (
    DELETE FROM notification_queue WHERE notification_id = ANY (ARRAY(SELECT notification_id FROM ended))
)
INSERT INTO notification_ends (notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no,
                               finished_at_ms)
SELECT notification_id, organisation_id, source_id, state, reason, event, attempt_count + 1, wanted_no, at_ms FROM ended;

-- fetch_finish [sqlite] --
-- What became of a hint, unless it was repeated while the gateway was asked.
UPDATE notification_states
   SET state = $1, reason = $2, attempt_count = $3, due_at_ms = $4, finished_at_ms = $5
 WHERE notification_id = $6 AND state = 'needs_fetch' AND wanted_no = $7;

-- fetch_again [sqlite] --
-- A hint that was repeated meanwhile is due at once.
UPDATE notification_states SET due_at_ms = $1 WHERE notification_id = $2 AND state = 'needs_fetch' AND wanted_no <> $3;

-- fetch_again [postgres] --
-- A hint that was repeated meanwhile is due at once.
UPDATE notification_queue SET due_at_ms = $1, leased = false
 WHERE notification_id = $2 AND state = 'needs_fetch' AND wanted_no <> $3;

-- lease_release_notifications [sqlite] --
-- A single process took over: what its predecessor had leased is due. Hints keep their retry times.
UPDATE notification_states SET due_at_ms = $1 WHERE state = 'pending' AND state IN ('pending', 'needs_fetch') AND due_at_ms > $1;

-- notification_get --
-- One notification with what became of it.
SELECT n.id, n.source_id, n.organisation_id, n.dedupe_key, n.origin, n.hint, n.received_at_ms, n.headers, n.body,
       s.state, s.reason, s.event, s.attempt_count, s.due_at_ms, s.finished_at_ms
  FROM notifications AS n JOIN notification_states AS s ON s.notification_id = n.id
 WHERE n.organisation_id = $1 AND n.id = $2;

-- notification_page --
-- Notifications, newest first.
SELECT n.id, n.source_id, n.organisation_id, n.dedupe_key, n.origin, n.hint, n.received_at_ms, n.headers, n.body,
       s.state, s.reason, s.event, s.attempt_count, s.due_at_ms, s.finished_at_ms
  FROM notifications AS n JOIN notification_states AS s ON s.notification_id = n.id
 WHERE n.organisation_id = :organisation_id
   AND n.id < :before AND n.id > :after
   AND (:source_id = '' OR n.source_id = :source_id)
   AND (:state = '' OR s.state = :state)
 ORDER BY n.id DESC
 LIMIT :limit;

-- notification_replay [sqlite] --
-- Take a notification back to its start.
UPDATE notification_states
   SET state = $1, reason = '', finished_at_ms = NULL, attempt_count = 0, wanted_no = wanted_no + 1, due_at_ms = $2
 WHERE notification_id = $3 AND organisation_id = $4 AND state IN ('recorded', 'unmapped', 'parked', 'fetched');

-- notification_replay [postgres] --
-- Take a notification back to its start.
WITH ended AS (
    DELETE FROM notification_ends WHERE notification_id = $3 AND organisation_id = $4
    RETURNING notification_id, organisation_id, source_id, event, wanted_no
)
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, event, wanted_no, due_at_ms)
SELECT notification_id, organisation_id, source_id, $1::text, false, event, wanted_no + 1, $2::bigint FROM ended
RETURNING notification_id;

-- refusal_insert --
-- Keep a sample of a refused request.
INSERT INTO refusals (id, source_id, organisation_id, refused_at_ms, reason, detail, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- refusal_trim --
-- Keep only the newest samples of a source.
DELETE FROM refusals
 WHERE source_id = $1
   AND id <= (SELECT id FROM refusals WHERE source_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2);

-- refusal_page --
-- Refused requests, newest first.
SELECT id, source_id, organisation_id, refused_at_ms, reason, detail, headers, body
  FROM refusals
 WHERE organisation_id = :organisation_id
   AND id < :before AND id > :after
   AND (:source_id = '' OR source_id = :source_id)
 ORDER BY id DESC
 LIMIT :limit;

-- notification_append [postgres] --
-- Append notifications, each unless its source has one with that dedupe key; give the ids of the new ones. One round trip.
-- (IS TRUE keeps the look-up of an id a hash: as a join it would be a nested loop.)
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::bigint[], $8::text[],
                         $9::bytea[], $10::text[], $11::bigint[], $12::boolean[])
        AS g (id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body, state, due_at_ms, leased)
), keyed AS (
    INSERT INTO notification_keys (source_id, dedupe_key, notification_id)
    SELECT source_id, dedupe_key, id FROM given ORDER BY source_id, dedupe_key
    ON CONFLICT (source_id, dedupe_key) DO NOTHING
    RETURNING notification_id
), kept AS (
    INSERT INTO notifications (id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body)
    SELECT id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body
      FROM given WHERE (id IN (SELECT notification_id FROM keyed)) IS TRUE
), queued AS (
    INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, due_at_ms, leased, node_no)
    SELECT id, organisation_id, source_id, state, due_at_ms, leased, CASE WHEN leased THEN $13::bigint ELSE 0 END
      FROM given WHERE (id IN (SELECT notification_id FROM keyed)) IS TRUE
)
SELECT notification_id FROM keyed;

-- notification_first [postgres] --
-- The notifications that duplicates repeat.
SELECT k.source_id, k.dedupe_key, k.notification_id
  FROM unnest($1::text[], $2::text[]) AS g (source_id, dedupe_key)
  JOIN notification_keys AS k ON k.source_id = g.source_id AND k.dedupe_key = g.dedupe_key;

-- notification_sweep [postgres] --
-- Leases that ran out are due from now; the lower bound spares a walk over what was swept before.
WITH ended AS MATERIALIZED (
    SELECT notification_id FROM notification_queue WHERE leased AND due_at_ms > $1 AND due_at_ms <= $2 ORDER BY due_at_ms FOR UPDATE
)
UPDATE notification_queue SET leased = false, due_at_ms = $2 WHERE notification_id = ANY (ARRAY(SELECT notification_id FROM ended));

-- notification_claim [postgres] --
-- Lease the notifications in one state that are due, oldest first; none that another claims at the same time.
-- The lower bound spares a walk over what was claimed before; the last column is when the last of them was due.
WITH due AS MATERIALIZED (
    SELECT notification_id, due_at_ms FROM notification_queue
     WHERE state = $1 AND NOT leased AND due_at_ms <= $2 AND due_at_ms > $5 ORDER BY due_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE notification_queue SET leased = true, due_at_ms = $4, node_no = $6
     WHERE notification_id = ANY (ARRAY(SELECT notification_id FROM due))
    RETURNING notification_id, attempt_count, wanted_no
)
SELECT n.id, n.source_id, n.organisation_id, n.dedupe_key, n.origin, n.hint, n.received_at_ms, n.headers, n.body,
       t.attempt_count, t.wanted_no, (SELECT max(due_at_ms) FROM due)
  FROM taken AS t JOIN notifications AS n ON n.id = t.notification_id
 ORDER BY n.id;

-- notification_lock [postgres] --
-- Of these notifications, those that still wait to be recorded; whoever records one now is waited for.
-- (To pass over what is locked would be wrong: a claim that has just found a row taken may hold its lock still, and the row would
-- be left until its lease ends. Rows are locked in the order of ids and before all else, so that none waits in a circle.)
SELECT notification_id FROM notification_queue
 WHERE notification_id = ANY($1::text[]) AND state = 'pending' ORDER BY notification_id FOR UPDATE;

-- fetch_settle [postgres] --
-- A hint has ended, unless it was repeated while the gateway was asked.
WITH ended AS (
    DELETE FROM notification_queue WHERE notification_id = $5 AND state = 'needs_fetch' AND wanted_no = $6
    RETURNING notification_id, organisation_id, source_id, event, wanted_no
)
INSERT INTO notification_ends (notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no,
                               finished_at_ms)
SELECT notification_id, organisation_id, source_id, $1::text, $2::text, event, $3::integer, wanted_no, $4::bigint FROM ended
RETURNING notification_id;

-- fetch_postpone [postgres] --
-- A hint is asked about again later, unless it was repeated while the gateway was asked.
UPDATE notification_queue SET reason = $1, attempt_count = $2, leased = false, due_at_ms = $3
 WHERE notification_id = $4 AND state = 'needs_fetch' AND wanted_no = $5
RETURNING notification_id;

-- notification_told --
-- The notifications that are kept of those that told of a payment or an account item.
SELECT n.id, n.source_id, n.organisation_id, n.dedupe_key, n.origin, n.hint, n.received_at_ms, n.headers, n.body
  FROM (SELECT notification_id FROM facts WHERE payment_id = $1 UNION SELECT notification_id FROM mentions WHERE subject_id = $1) AS t
  JOIN notifications AS n ON n.id = t.notification_id
 WHERE n.organisation_id = $2
 ORDER BY n.id;

-- notification_restate [sqlite] --
-- A notification that had ended has become something else.
UPDATE notification_states SET state = $1, reason = $2, event = $3
 WHERE notification_id = $4 AND state IN ('recorded', 'unmapped', 'parked') AND (state <> $1 OR reason <> $2 OR event <> $3);

-- notification_restate [postgres] --
-- Notifications that had ended have become something else.
UPDATE notification_ends AS e SET state = g.state, reason = g.reason, event = g.event
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (state, reason, event, id)
 WHERE e.notification_id = g.id AND e.state IN ('recorded', 'unmapped', 'parked')
   AND (e.state <> g.state OR e.reason <> g.reason OR e.event <> g.event);
