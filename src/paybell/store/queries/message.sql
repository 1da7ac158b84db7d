-- message_insert [sqlite] --
-- Append a message.
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- message_insert [postgres] --
-- Append messages, each unless its application has one with that event id; give the ids of the new ones.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[])
        AS g (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms)
), keyed AS (
    INSERT INTO message_keys (application_id, event_id, message_id)
    SELECT application_id, event_id, id FROM given WHERE event_id <> '' ORDER BY application_id, event_id
    ON CONFLICT (application_id, event_id) DO NOTHING
    RETURNING message_id
)
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms)
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms FROM given
 WHERE event_id = '' OR id IN (SELECT message_id FROM keyed)
RETURNING id;

-- message_insert_once [sqlite] --
-- Append a message unless its application has one with that event id.
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (application_id, event_id) WHERE event_id <> '' DO NOTHING;

-- message_page --
-- Messages of an application, newest first.
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms
  FROM messages
 WHERE organisation_id = :organisation_id AND application_id = :application_id
   AND id < :iterator
   AND (:event_type = '' OR event_type = :event_type)
 ORDER BY id DESC
 LIMIT :limit;

-- message_lookup --
-- A message by its id or by the caller's event id.
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms
  FROM messages WHERE organisation_id = $1 AND application_id = $2 AND id = $3
UNION
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms
  FROM messages WHERE organisation_id = $1 AND application_id = $2 AND event_id = $3 AND event_id <> '';

-- delivery_insert [sqlite] --
-- Append a delivery: leased to this process, or due for anybody.
INSERT INTO deliveries (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no,
                        due_at_ms, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10);

-- delivery_insert [postgres] --
-- Append deliveries: leased to this process, or due for anybody.
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                            lease_no, due_at_ms, created_at_ms)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, 0, lease_no, due_at_ms, created_at_ms
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[],
              $10::bigint[])
    AS g (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, lease_no, due_at_ms, created_at_ms);

-- delivery_next_endpoint [sqlite] --
-- The next endpoint (by id) that has something waiting, and when its first delivery falls due: a walk over endpoints, not rows.
SELECT endpoint_id, due_at_ms FROM deliveries
 WHERE state IN ('due', 'leased') AND endpoint_id > $1 ORDER BY endpoint_id, due_at_ms LIMIT 1;

-- delivery_due [sqlite] --
-- An endpoint's deliveries that are due (or whose lease ran out), oldest first.
SELECT d.id, d.message_id, d.endpoint_id, d.application_id, d.organisation_id, d.event_type, m.payload, d.attempt_count,
       d.lease_no, d.due_at_ms
  FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
 WHERE d.state IN ('due', 'leased') AND d.endpoint_id = $1 AND d.due_at_ms <= $2
 ORDER BY d.due_at_ms
 LIMIT $3;

-- delivery_lease [sqlite] --
-- Take a delivery until the lease ends; the number fences off whoever had it before.
UPDATE deliveries SET state = 'leased', lease_no = lease_no + 1, due_at_ms = $1 WHERE id = $2;

-- delivery_finish [sqlite] --
-- A delivery's next state, while the lease is still the writer's own.
UPDATE deliveries
   SET state = $1, due_at_ms = $2, finished_at_ms = $3, attempt_count = attempt_count + $4, last_error = $5
 WHERE id = $6 AND state = 'leased' AND lease_no = $7;

-- lease_release_deliveries [sqlite] --
-- A single process took over: what its predecessor had leased is due.
UPDATE deliveries SET state = 'due', due_at_ms = $1 WHERE state = 'leased';

-- delivery_page --
-- Deliveries, newest first.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error
  FROM deliveries
 WHERE organisation_id = :organisation_id
   AND id < :iterator
   AND (:application_id = '' OR application_id = :application_id)
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:message_id = '' OR message_id = :message_id)
   AND (:state = '' OR state = :state)
 ORDER BY id DESC
 LIMIT :limit;

-- delivery_page_of_message --
-- The deliveries of one message.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error
  FROM deliveries
 WHERE message_id = :message_id AND organisation_id = :organisation_id
   AND id < :iterator
   AND (:application_id = '' OR application_id = :application_id)
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:state = '' OR state = :state)
 ORDER BY id DESC
 LIMIT :limit;

-- delivery_resend [sqlite] --
-- Make a delivery due once more.
UPDATE deliveries SET state = 'due', due_at_ms = $1, finished_at_ms = NULL
 WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 AND state IN ('due', 'delivered', 'dead');

-- delivery_resend [postgres] --
-- Make a delivery due once more.
WITH ended AS (
    DELETE FROM delivery_ends WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 RETURNING *
), waiting AS (
    UPDATE delivery_queue SET due_at_ms = $1
     WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 AND state = 'due'
)
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                            lease_no, due_at_ms, created_at_ms, last_error)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'due', attempt_count, lease_no, $1::bigint,
       created_at_ms, last_error FROM ended;

-- delivery_of_message --
-- Whether a message was for an endpoint, and how it stands.
SELECT state FROM deliveries WHERE message_id = $1 AND endpoint_id = $2 AND organisation_id = $3;

-- delivery_end_of_endpoint [sqlite] --
-- What waits for an endpoint that is gone becomes a dead letter.
UPDATE deliveries SET state = 'dead', due_at_ms = NULL, finished_at_ms = $1, last_error = $2
 WHERE state IN ('due', 'leased') AND endpoint_id = $3;

-- delivery_end_of_endpoint [postgres] --
-- What waits for an endpoint that is gone becomes a dead letter.
WITH ended AS (
    DELETE FROM delivery_queue
     WHERE (state = 'due' AND endpoint_id = $3) OR (state = 'leased' AND endpoint_id = $3) RETURNING *
)
INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                           lease_no, created_at_ms, finished_at_ms, last_error)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no, created_at_ms,
       $1::bigint, $2::text FROM ended;

-- attempt_insert [sqlite] --
-- Append an attempt.
INSERT INTO attempts (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code,
                      response, error, url, started_at_ms, duration_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- attempt_page_of_message --
-- Attempts of one message, newest first.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms
  FROM attempts
 WHERE message_id = :message_id AND organisation_id = :organisation_id AND application_id = :application_id
   AND id < :iterator
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
 ORDER BY id DESC
 LIMIT :limit;

-- attempt_page_of_endpoint --
-- Attempts at one endpoint, newest first.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms
  FROM attempts
 WHERE endpoint_id = :endpoint_id AND organisation_id = :organisation_id AND application_id = :application_id
   AND id < :iterator
 ORDER BY id DESC
 LIMIT :limit;

-- attempt_get --
-- One attempt.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms
  FROM attempts WHERE organisation_id = $1 AND id = $2;

-- delivery_sweep [postgres] --
-- Leases that ran out are due; the lower bound spares a walk over what was swept before.
UPDATE delivery_queue SET state = 'due' WHERE state = 'leased' AND due_at_ms > $1 AND due_at_ms <= $2;

-- delivery_waiting [postgres] --
-- Each endpoint with something due or to come, and when its first falls due: one index seek per endpoint.
WITH RECURSIVE walk AS (
    (SELECT endpoint_id, due_at_ms FROM delivery_queue WHERE state = 'due' ORDER BY endpoint_id, due_at_ms LIMIT 1)
    UNION ALL
    SELECT following.endpoint_id, following.due_at_ms
      FROM walk CROSS JOIN LATERAL (
           SELECT endpoint_id, due_at_ms FROM delivery_queue
            WHERE state = 'due' AND endpoint_id > walk.endpoint_id ORDER BY endpoint_id, due_at_ms LIMIT 1) AS following
)
SELECT endpoint_id, due_at_ms FROM walk ORDER BY due_at_ms;

-- delivery_lease_end [postgres] --
-- When the next lease runs out, of endpoints that are not busy.
SELECT due_at_ms FROM delivery_queue
 WHERE state = 'leased' AND due_at_ms > $1 AND endpoint_id <> ALL($2::text[]) ORDER BY due_at_ms LIMIT 1;

-- delivery_claim [postgres] --
-- Lease some endpoints' due deliveries, each endpoint's oldest first; the number fences off whoever had them before.
WITH due AS MATERIALIZED (
    SELECT d.id FROM unnest($1::text[]) WITH ORDINALITY AS e (endpoint_id, place)
     CROSS JOIN LATERAL (
           SELECT id, due_at_ms FROM delivery_queue
            WHERE state = 'due' AND endpoint_id = e.endpoint_id AND due_at_ms <= $2
            ORDER BY due_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED) AS d
     ORDER BY e.place, d.due_at_ms LIMIT $4
), taken AS (
    UPDATE delivery_queue AS q SET state = 'leased', lease_no = lease_no + 1, due_at_ms = $5 FROM due WHERE q.id = due.id
    RETURNING q.*
)
SELECT t.id, t.message_id, t.endpoint_id, t.application_id, t.organisation_id, t.event_type, m.payload, t.attempt_count,
       t.lease_no, t.due_at_ms
  FROM taken AS t JOIN messages AS m ON m.id = t.message_id ORDER BY t.id;

-- delivery_release [postgres] --
-- Give leases back untried.
UPDATE delivery_queue AS q SET state = 'due', due_at_ms = $3
  FROM unnest($1::text[], $2::integer[]) AS g (id, lease_no)
 WHERE q.id = g.id AND q.state = 'leased' AND q.lease_no = g.lease_no;

-- delivery_abandon [postgres] --
-- End a leased delivery untried.
WITH ended AS (
    DELETE FROM delivery_queue WHERE id = $1 AND state = 'leased' AND lease_no = $2 RETURNING *
)
INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                           lease_no, created_at_ms, finished_at_ms, last_error)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no, created_at_ms,
       $3::bigint, $4::text FROM ended;

-- attempt_append [postgres] --
-- Record attempts whose lease nobody else has taken since, and end or postpone their deliveries; give the attempts' ids.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::smallint[],
                         $9::integer[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
                         $15::integer[], $16::text[], $17::bigint[], $18::text[])
        AS g (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code,
              response, error, url, started_at_ms, duration_ms, lease_no, state, due_at_ms, last_error)
), ended AS (
    DELETE FROM delivery_queue AS q USING given AS g
     WHERE q.id = g.delivery_id AND q.lease_no = g.lease_no AND q.attempt_count = g.attempt_no - 1 AND g.due_at_ms IS NULL
    RETURNING q.*, g.id AS attempt_id, g.state AS end_state, g.started_at_ms + g.duration_ms AS finished_at_ms,
              g.last_error AS end_error
), postponed AS (
    UPDATE delivery_queue AS q
       SET state = 'due', due_at_ms = g.due_at_ms, attempt_count = q.attempt_count + 1, last_error = g.last_error
      FROM given AS g
     WHERE q.id = g.delivery_id AND q.lease_no = g.lease_no AND q.attempt_count = g.attempt_no - 1 AND g.due_at_ms IS NOT NULL
    RETURNING g.id AS attempt_id
), history AS (
    INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                               lease_no, created_at_ms, finished_at_ms, last_error)
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, end_state, attempt_count + 1, lease_no,
           created_at_ms, finished_at_ms, end_error FROM ended
)
INSERT INTO attempts (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered,
                      status_code, response, error, url, started_at_ms, duration_ms)
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms
  FROM given WHERE id IN (SELECT attempt_id FROM ended UNION ALL SELECT attempt_id FROM postponed)
RETURNING id;
