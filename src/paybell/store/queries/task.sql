-- task_running --
-- How many tasks of an application run, or of an organisation as such.
SELECT count(*) FROM tasks WHERE state = 'running' AND organisation_id = $1 AND application_id = $2;

-- task_application [postgres] --
-- Whoever begins a task of an application does so alone.
SELECT id FROM applications WHERE id = $1 FOR UPDATE;

-- task_organisation [postgres] --
-- Whoever begins a task of an organisation does so alone.
SELECT id FROM organisations WHERE id = $1 FOR UPDATE;

-- task_insert --
-- Begin a task.
INSERT INTO tasks (id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped,
                   lease_no, due_at_ms, created_at_ms, updated_at_ms, finished_at_ms, result)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- task_prune --
-- Forget an organisation's tasks that ended long ago.
DELETE FROM tasks WHERE organisation_id = $1 AND id < $2 AND state <> 'running';

-- task_get --
-- One task.
SELECT id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
       created_at_ms, updated_at_ms, finished_at_ms, result
  FROM tasks WHERE organisation_id = $1 AND id = $2;

-- task_page --
-- Tasks, newest first, without what came out of them.
SELECT id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
       created_at_ms, updated_at_ms, finished_at_ms, '' AS result
  FROM tasks
 WHERE organisation_id = :organisation_id
   AND id < :before AND id > :after
   AND (:kind = '' OR kind = :kind)
   AND (:state = '' OR state = :state OR (:state = 'ended' AND state IN ('failed', 'canceled')))
   AND (:application_id = '' OR application_id = :application_id)
 ORDER BY id DESC
 LIMIT :limit;

-- task_cancel --
-- End a task where it is.
UPDATE tasks SET state = 'canceled', reason = 'canceled', due_at_ms = NULL, updated_at_ms = $1, finished_at_ms = $1
 WHERE organisation_id = $2 AND id = $3 AND state = 'running';

-- task_next_due [sqlite] --
-- When the first task of some kinds is due, or its lease ends.
SELECT due_at_ms FROM tasks WHERE state = 'running' AND instr($1, ',' || kind || ',') ORDER BY due_at_ms LIMIT 1;

-- lease_release_tasks [sqlite] --
-- A single process took over: nobody is at a task any more.
UPDATE tasks SET due_at_ms = $1 WHERE state = 'running' AND due_at_ms > $1;

-- task_claim [sqlite] --
-- Lease the task of some kinds that has waited longest; the number fences off whoever had it before.
UPDATE tasks SET lease_no = lease_no + 1, due_at_ms = $1
 WHERE id = (SELECT id FROM tasks WHERE state = 'running' AND due_at_ms <= $2 AND instr($3, ',' || kind || ',')
              ORDER BY due_at_ms LIMIT 1)
RETURNING id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
       created_at_ms, updated_at_ms, finished_at_ms, result;

-- task_claim [postgres] --
-- Lease the task of some kinds that has waited longest; the number fences off whoever had it before.
UPDATE tasks SET lease_no = lease_no + 1, due_at_ms = $1
 WHERE id = (SELECT id FROM tasks WHERE state = 'running' AND due_at_ms <= $2 AND strpos($3, ',' || kind || ',') > 0
              ORDER BY due_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
       created_at_ms, updated_at_ms, finished_at_ms, result;

-- task_backlog [sqlite] --
-- How many deliveries are due for an endpoint and nobody's yet, counted to a limit.
SELECT count(*) FROM (
    SELECT 1 FROM deliveries
     WHERE state IN ('due', 'leased') AND state = 'due' AND endpoint_id = $1 AND is_retry IN (0, 1) AND due_at_ms <= $2 LIMIT $3);

-- task_backlog [postgres] --
-- How many deliveries are due for an endpoint and nobody's yet, counted to a limit.
SELECT count(*) FROM (
    SELECT 1 FROM delivery_queue WHERE state = 'due' AND endpoint_id = $1 AND due_at_ms <= $2 LIMIT $3) AS due;

-- task_hold [sqlite] --
-- Whether a task is still the worker's own.
SELECT id FROM tasks WHERE id = $1 AND lease_no = $2 AND state = 'running';

-- task_hold [postgres] --
-- Running tasks of an endpoint, held until the end of the transaction: one step at a time, or two would add one delivery twice.
SELECT id, lease_no FROM tasks WHERE endpoint_id = $1 AND state = 'running' ORDER BY id FOR UPDATE;

-- task_look [sqlite] --
-- An application's messages between two ids, oldest first, and how each stands for an endpoint.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       d.id, d.state, d.attempt_count,
       CASE WHEN $1 = 1 THEN (SELECT a.status_code FROM attempts AS a WHERE a.message_id = m.id AND a.endpoint_id || '' = $2
                               ORDER BY a.id DESC LIMIT 1) END,
       CASE WHEN m.event_type = 'payment.updated' AND m.payment_id <> '' THEN (
            SELECT group_concat(s.event_type) FROM messages AS s
             WHERE s.application_id = m.application_id AND s.event_id <> '' AND s.event_type <> m.event_type
               AND s.event_id > substr(m.event_id, 1, length(m.event_id) - length(m.event_type))
               AND s.event_id < substr(m.event_id, 1, length(m.event_id) - length(m.event_type)) || '~') END,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       NULL
  FROM messages AS m LEFT JOIN deliveries AS d ON d.message_id = m.id AND d.endpoint_id = $2
 WHERE m.application_id = $3 AND m.id > $4 AND m.id < $5 AND m.organisation_id || '' = $6
 ORDER BY m.id LIMIT $7;

-- task_look [postgres] --
-- An application's messages between two ids, oldest first, and how each stands for an endpoint.
WITH page AS MATERIALIZED (
    SELECT * FROM messages WHERE application_id = $3 AND id > $4 AND id < $5 AND organisation_id = $6 ORDER BY application_id, id LIMIT $7
)
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       d.id, d.state, d.attempt_count,
       CASE WHEN $1::integer = 1 THEN (SELECT a.status_code FROM attempts AS a WHERE a.message_id = m.id AND a.endpoint_id || '' = $2
                                        ORDER BY a.id DESC LIMIT 1) END,
       CASE WHEN m.event_type = 'payment.updated' AND m.payment_id <> '' THEN (
            SELECT string_agg(s.event_type, ',') FROM message_keys AS k JOIN messages AS s ON s.id = k.message_id
             WHERE k.application_id = m.application_id AND s.event_type <> m.event_type
               AND k.event_id > substr(m.event_id, 1, length(m.event_id) - length(m.event_type))
               AND k.event_id < substr(m.event_id, 1, length(m.event_id) - length(m.event_type)) || '~') END,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       NULL
  FROM page AS m
  LEFT JOIN LATERAL (SELECT id, state, attempt_count FROM deliveries WHERE message_id = m.id AND endpoint_id = $2 LIMIT 1) AS d ON true
 ORDER BY m.id;

-- task_resend [sqlite] --
-- Make a delivery due once more, on its schedule from the begin and out of any line, unless it waits in one.
UPDATE deliveries SET state = 'due', due_at_ms = $1, finished_at_ms = NULL, dead_reason = '', resent_at_count = attempt_count
 WHERE id = $2 AND state IN ('due', 'delivered', 'dead') AND (due_at_ms IS NULL OR due_at_ms <> $3);

-- task_resend [postgres] --
-- Make deliveries due once more, on their schedules from the begin; give the ids of those that are neither leased nor in a line.
WITH ended AS (
    DELETE FROM delivery_ends WHERE id = ANY ($2::text[]) RETURNING *
), waiting AS (
    UPDATE delivery_queue SET due_at_ms = $1, resent_at_count = attempt_count
     WHERE id = ANY ($2::text[]) AND state <> 'leased' AND due_at_ms <> $3 RETURNING id
), added AS (
    INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                                lease_no, due_at_ms, created_at_ms, last_error, resent_at_count)
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'due', attempt_count, lease_no, $1::bigint,
           created_at_ms, last_error, attempt_count FROM ended RETURNING id
)
SELECT id FROM waiting UNION ALL SELECT id FROM added;

-- task_add [sqlite] --
-- A delivery of a message that is not new.
INSERT INTO deliveries (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no,
                        due_at_ms, created_at_ms, resent_at_count)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, 0) ON CONFLICT (message_id, endpoint_id) DO NOTHING;

-- task_add [postgres] --
-- Deliveries of messages that are not new; give their ids.
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                            lease_no, due_at_ms, created_at_ms, resent_at_count)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, 0, lease_no, due_at_ms, created_at_ms, 0
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[],
              $10::bigint[])
    AS g (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, lease_no, due_at_ms, created_at_ms)
ON CONFLICT (message_id, endpoint_id) DO NOTHING
RETURNING id;

-- task_move --
-- How far a task is, while the lease is still the writer's own; its lease is given back.
UPDATE tasks SET state = $1, reason = $2, cursor = $3, found = found + $4, done = done + $5, skipped = skipped + $6, due_at_ms = $7,
       updated_at_ms = $8, finished_at_ms = $9, result = $10
 WHERE id = $11 AND lease_no = $12 AND state = 'running'
RETURNING id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
       created_at_ms, updated_at_ms, finished_at_ms, result;

-- delivery_tally --
-- The next messages of an application between two ids: how many, how many deliveries they have, and the last.
WITH page AS MATERIALIZED (
    SELECT id FROM messages WHERE application_id = $1 AND id > $2 AND id < $3 AND organisation_id || '' = $4
     ORDER BY application_id, id LIMIT $5
)
SELECT count(*), CAST(coalesce(sum((SELECT count(*) FROM deliveries WHERE message_id = page.id)), 0) AS BIGINT), coalesce(max(id), '')
  FROM page;
