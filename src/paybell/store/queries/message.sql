-- message_insert [sqlite] --
-- Append a message.
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- message_insert [postgres] --
-- Append messages, each unless its application has one with that event id; give the ids of the new ones.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[], $9::text[],
                         $10::text[])
        AS g (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace)
), keyed AS (
    INSERT INTO message_keys (application_id, event_id, message_id)
    SELECT application_id, event_id, id FROM given WHERE event_id <> '' ORDER BY application_id, event_id
    ON CONFLICT (application_id, event_id) DO NOTHING
    RETURNING message_id
)
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace)
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace FROM given
 WHERE event_id = '' OR id IN (SELECT message_id FROM keyed)
RETURNING id;

-- message_post [postgres] --
-- Post messages with their keys and deliveries, each unless its key or its event id is taken; give the ids of the new ones.
-- A key of a message whose event id is taken stays: withdraw it in the same transaction. What the same request has begun to be
-- answered under is its own. (Not "IN" alone in the last one: with no hash joins that would be a loop within a loop.)
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[],
                         $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bigint[])
        AS g (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace,
              key_organisation_id, key_name, request_digest, key_ends_at_ms)
), held AS (
    INSERT INTO kept_answers (organisation_id, name, request_digest, status_code, answer, ends_at_ms, message_id)
    SELECT DISTINCT ON (key_organisation_id, key_name)
           key_organisation_id, key_name, request_digest, 202, ''::bytea, key_ends_at_ms, id
      FROM given WHERE key_name <> '' ORDER BY key_organisation_id, key_name, id
    ON CONFLICT (organisation_id, name) DO UPDATE
       SET request_digest = excluded.request_digest, status_code = excluded.status_code, answer = excluded.answer,
           ends_at_ms = excluded.ends_at_ms, message_id = excluded.message_id
     WHERE kept_answers.ends_at_ms <= $15
        OR (kept_answers.status_code = 0 AND kept_answers.request_digest = excluded.request_digest)
    RETURNING message_id
), free AS (
    SELECT * FROM given WHERE key_name = '' OR id IN (SELECT message_id FROM held)
), keyed AS (
    INSERT INTO message_keys (application_id, event_id, message_id)
    SELECT application_id, event_id, id FROM free WHERE event_id <> '' ORDER BY application_id, event_id
    ON CONFLICT (application_id, event_id) DO NOTHING
    RETURNING message_id
), posted AS (
    INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels,
                          trace)
    SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace FROM free
     WHERE event_id = '' OR id IN (SELECT message_id FROM keyed)
    RETURNING id
), queued AS (
    INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                                lease_no, due_at_ms, created_at_ms, node_no)
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, 0, lease_no, due_at_ms, created_at_ms,
           CASE WHEN state = 'leased' THEN $26::bigint ELSE 0 END
      FROM unnest($16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::integer[],
                  $24::bigint[], $25::bigint[])
        AS g (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, lease_no, due_at_ms, created_at_ms)
     WHERE message_id = '' OR message_id IN (SELECT id FROM posted)
)
SELECT id FROM posted;

-- message_insert_once [sqlite] --
-- Append a message unless its application has one with that event id.
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (application_id, event_id) WHERE event_id <> '' DO NOTHING;

-- message_page --
-- Messages of an application, newest first.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE (m.application_id, m.id) < (:application_id, :before) AND (m.application_id, m.id) > (:application_id, :after)
   AND m.organisation_id = :organisation_id
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || m.event_type || ',', '') <> ',' || :event_types || ',')
   AND (:channel = '' OR replace(',' || m.channels || ',', ',' || :channel || ',', '') <> ',' || m.channels || ',')
   AND (:tag = '' OR (SELECT replace(tags, :tag, '') <> tags FROM message_extras WHERE message_id = m.id))
 ORDER BY m.application_id DESC, m.id DESC
 LIMIT :limit;

-- message_page_of_endpoint [sqlite] --
-- Messages that were for an endpoint, newest first, and how each stands.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       d.state, d.attempt_count, d.due_at_ms
  FROM messages AS m JOIN deliveries AS d ON d.message_id = m.id AND d.endpoint_id = :endpoint_id
 WHERE (m.application_id, m.id) < (:application_id, :before) AND (m.application_id, m.id) > (:application_id, :after)
   AND m.organisation_id = :organisation_id
   AND (:standing = '' OR :standing = CASE d.state WHEN 'delivered' THEN 'success' WHEN 'dead' THEN 'fail' WHEN 'leased' THEN 'sending'
        ELSE CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'sending' END END)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || m.event_type || ',', '') <> ',' || :event_types || ',')
   AND (:channel = '' OR replace(',' || m.channels || ',', ',' || :channel || ',', '') <> ',' || m.channels || ',')
   AND (:tag = '' OR (SELECT replace(tags, :tag, '') <> tags FROM message_extras WHERE message_id = m.id))
 ORDER BY m.application_id DESC, m.id DESC
 LIMIT :limit;

-- message_page_of_endpoint [postgres] --
-- Messages that were for an endpoint, newest first, and how each stands.
-- (OFFSET 0: a message at a time, or all that was ever for the endpoint would be read and sorted.)
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       d.state, d.attempt_count, d.due_at_ms
  FROM messages AS m CROSS JOIN LATERAL (
       SELECT state, attempt_count, due_at_ms FROM deliveries WHERE message_id = m.id AND endpoint_id = :endpoint_id OFFSET 0) AS d
 WHERE (m.application_id, m.id) < (:application_id, :before) AND (m.application_id, m.id) > (:application_id, :after)
   AND m.organisation_id = :organisation_id
   AND (:standing = '' OR :standing = CASE d.state WHEN 'delivered' THEN 'success' WHEN 'dead' THEN 'fail' WHEN 'leased' THEN 'sending'
        ELSE CASE WHEN d.attempt_count = 0 THEN 'pending' ELSE 'sending' END END)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || m.event_type || ',', '') <> ',' || :event_types || ',')
   AND (:channel = '' OR replace(',' || m.channels || ',', ',' || :channel || ',', '') <> ',' || m.channels || ',')
   AND (:tag = '' OR (SELECT replace(tags, :tag, '') <> tags FROM message_extras WHERE message_id = m.id))
 ORDER BY m.application_id DESC, m.id DESC
 LIMIT :limit;

-- delivery_count_of [sqlite] --
-- How an endpoint's deliveries of messages of a time stand.
SELECT d.state, d.attempt_count > 0, count(*)
  FROM messages AS m JOIN deliveries AS d ON d.message_id = m.id AND d.endpoint_id = :endpoint_id
 WHERE (m.application_id, m.id) < (:application_id, :before_id) AND (m.application_id, m.id) > (:application_id, :after_id)
   AND m.organisation_id = :organisation_id
 GROUP BY 1, 2;

-- delivery_count_of [postgres] --
-- How an endpoint's deliveries of messages of a time stand.
SELECT d.state, d.attempt_count > 0, count(*)
  FROM messages AS m CROSS JOIN LATERAL (
       SELECT state, attempt_count, due_at_ms FROM deliveries WHERE message_id = m.id AND endpoint_id = :endpoint_id OFFSET 0) AS d
 WHERE (m.application_id, m.id) < (:application_id, :before_id) AND (m.application_id, m.id) > (:application_id, :after_id)
   AND m.organisation_id = :organisation_id
 GROUP BY 1, 2;

-- message_lookup [sqlite] --
-- A message by its id or by the caller's event id.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE m.organisation_id = $1 AND m.application_id = $2 AND m.id = $3
UNION
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE m.organisation_id = $1 AND m.application_id = $2 AND m.event_id = $3 AND m.event_id <> '';

-- message_lookup [postgres] --
-- A message by its id or by the caller's event id.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE m.organisation_id = $1 AND m.application_id = $2 AND m.id = $3
UNION
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM message_keys AS k JOIN messages AS m ON m.id = k.message_id
 WHERE m.organisation_id = $1 AND k.application_id = $2 AND k.event_id = $3;

-- message_list [sqlite] --
-- Messages by their ids.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE m.organisation_id = $1 AND m.id IN (SELECT value FROM json_each($2) AS found);

-- message_list [postgres] --
-- Messages by their ids.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM messages AS m
 WHERE m.organisation_id = $1 AND m.id = ANY ($2::text[]);

-- message_event_id [sqlite] --
-- The caller's event id of a message.
SELECT event_id FROM messages WHERE id = $1;

-- message_event_id [postgres] --
-- The callers' event ids of messages.
SELECT id, event_id FROM messages WHERE id = ANY ($1::text[]);

-- attempt_outcome --
-- Whether an endpoint took a message at one of the attempts.
SELECT delivered FROM attempts WHERE message_id = $1 AND endpoint_id = $2 AND attempt_no = $3;

-- delivery_insert [sqlite] --
-- Append a delivery: leased to this process, or due for anybody.
INSERT INTO deliveries (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no,
                        due_at_ms, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10);

-- delivery_insert [postgres] --
-- Append deliveries: leased to this process, or due for anybody.
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                            lease_no, due_at_ms, created_at_ms, node_no)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, 0, lease_no, due_at_ms, created_at_ms,
       CASE WHEN state = 'leased' THEN $11::bigint ELSE 0 END
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[],
              $10::bigint[])
    AS g (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, lease_no, due_at_ms, created_at_ms);

-- delivery_waiting [sqlite] --
-- Each endpoint with something waiting, and when its first falls due: a walk to the first of each, not over rows.
-- (Not "> (…, walk.is_retry)": SQLite searches for the pair itself then, and reads all that have it.)
WITH RECURSIVE walk (endpoint_id, is_retry, due_at_ms) AS (
    SELECT '', 0, 0
    UNION ALL
    SELECT n.endpoint_id, n.is_retry, n.due_at_ms
      FROM walk CROSS JOIN deliveries AS n
     WHERE n.rowid = (SELECT rowid FROM deliveries
                       WHERE state IN ('due', 'leased') AND (endpoint_id, is_retry) >= (walk.endpoint_id, walk.is_retry + 1)
                       ORDER BY endpoint_id, is_retry, due_at_ms LIMIT 1)
)
SELECT endpoint_id, min(due_at_ms) FROM walk WHERE endpoint_id <> '' GROUP BY endpoint_id ORDER BY 2;

-- delivery_due [sqlite] --
-- An endpoint's first tries, or its retries, that are due (or whose lease ran out), oldest first.
SELECT d.id, d.message_id, d.endpoint_id, d.application_id, d.organisation_id, d.event_type, m.payload, m.created_at_ms, m.trace,
       d.attempt_count, d.lease_no, d.due_at_ms, d.resent_at_count,
       coalesce((SELECT order_key FROM delivery_lines AS l WHERE l.delivery_id = d.id), ''), d.rowid
  FROM deliveries AS d JOIN messages AS m ON m.id = d.message_id
 WHERE d.state IN ('due', 'leased') AND d.endpoint_id = $1 AND d.is_retry = $2 AND d.due_at_ms <= $3
 ORDER BY d.due_at_ms
 LIMIT $4;

-- delivery_lease [sqlite] --
-- Take a delivery until the lease ends; the number fences off whoever had it before.
UPDATE deliveries SET state = 'leased', lease_no = lease_no + 1, due_at_ms = $1 WHERE rowid = $2;

-- delivery_finish [sqlite] --
-- A delivery's next state, while the lease is still the writer's own.
UPDATE deliveries
   SET state = $1, due_at_ms = $2, finished_at_ms = $3, attempt_count = attempt_count + $4, last_error = $5, dead_reason = $6
 WHERE id = $7 AND state = 'leased' AND lease_no = $8;

-- lease_release_deliveries [sqlite] --
-- A single process took over: what its predecessor had leased is due.
UPDATE deliveries SET state = 'due', due_at_ms = $1 WHERE state = 'leased';

-- delivery_page --
-- Deliveries, newest first.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error, dead_reason
  FROM deliveries
 WHERE organisation_id = :organisation_id
   AND id < :before AND id > :after
   AND (:application_id = '' OR application_id = :application_id)
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:message_id = '' OR message_id = :message_id)
   AND (:state = '' OR state = :state)
 ORDER BY id DESC
 LIMIT :limit;

-- delivery_page_of_message [sqlite] --
-- The deliveries of one message.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error, dead_reason
  FROM deliveries
 WHERE message_id = :message_id AND organisation_id = :organisation_id
   AND id < :before AND id > :after
   AND (:application_id = '' OR application_id = :application_id)
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:state = '' OR state = :state)
 ORDER BY id DESC
 LIMIT :limit;

-- delivery_page_of_message [postgres] --
-- The deliveries of one message.
WITH of_message AS MATERIALIZED (
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms,
           created_at_ms, finished_at_ms, last_error, dead_reason
      FROM deliveries WHERE message_id = :message_id AND organisation_id = :organisation_id
)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error, dead_reason
  FROM of_message
 WHERE id < :before AND id > :after
   AND (:application_id = '' OR application_id = :application_id)
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:state = '' OR state = :state)
 ORDER BY id DESC
 LIMIT :limit;

-- message_expunge --
-- Take a message's payload away.
UPDATE messages SET payload = $1 WHERE organisation_id = $2 AND application_id = $3 AND id = $4;

-- delivery_end_of_message [sqlite] --
-- What waits of a message whose payload is gone becomes a dead letter.
UPDATE deliveries SET state = 'dead', due_at_ms = NULL, finished_at_ms = $1, last_error = $2, dead_reason = 'expunged'
 WHERE message_id = $3 AND state IN ('due', 'leased');

-- delivery_end_of_message [postgres] --
-- What waits of a message whose payload is gone becomes a dead letter.
WITH ended AS (
    DELETE FROM delivery_queue WHERE message_id = $3 RETURNING *
)
INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                           lease_no, created_at_ms, finished_at_ms, last_error, dead_reason, resent_at_count)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no, created_at_ms,
       $1::bigint, $2::text, 'expunged', resent_at_count FROM ended;

-- attempt_expunge --
-- Take what an endpoint answered away.
UPDATE attempts SET response = '' WHERE organisation_id = $1 AND id = $2;

-- delivery_resend [sqlite] --
-- Make a delivery due once more, on its schedule from the begin and out of any line, unless it waits in one.
UPDATE deliveries SET state = 'due', due_at_ms = $1, finished_at_ms = NULL, dead_reason = '', resent_at_count = attempt_count
 WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 AND state IN ('due', 'delivered', 'dead')
   AND (due_at_ms IS NULL OR due_at_ms <> $5);

-- delivery_resend [postgres] --
-- Make a delivery due once more, on its schedule from the begin and out of any line.
-- Its id, unless it is leased or waits in a line.
WITH ended AS (
    DELETE FROM delivery_ends WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 RETURNING *
), waiting AS (
    UPDATE delivery_queue SET due_at_ms = $1, resent_at_count = attempt_count
     WHERE message_id = $2 AND endpoint_id = $3 AND organisation_id = $4 AND state <> 'leased' AND due_at_ms <> $5 RETURNING id
), added AS (
    INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                                lease_no, due_at_ms, created_at_ms, last_error, resent_at_count)
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'due', attempt_count, lease_no, $1::bigint,
           created_at_ms, last_error, attempt_count FROM ended RETURNING id
)
SELECT id FROM waiting UNION ALL SELECT id FROM added;

-- delivery_of_message --
-- Whether a message was for an endpoint, and how it stands.
SELECT state FROM deliveries WHERE message_id = $1 AND endpoint_id = $2 AND organisation_id = $3;

-- delivery_end_of_endpoint [sqlite] --
-- What waits for an endpoint that is gone becomes a dead letter.
UPDATE deliveries SET state = 'dead', due_at_ms = NULL, finished_at_ms = $1, last_error = $2, dead_reason = 'endpoint_deleted'
 WHERE state IN ('due', 'leased') AND endpoint_id = $3;

-- delivery_end_of_endpoint [postgres] --
-- What waits for an endpoint that is gone becomes a dead letter.
WITH ended AS (
    DELETE FROM delivery_queue
     WHERE (state = 'due' AND endpoint_id = $3) OR (state = 'leased' AND endpoint_id = $3) RETURNING *
)
INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                           lease_no, created_at_ms, finished_at_ms, last_error, dead_reason, resent_at_count)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no, created_at_ms,
       $1::bigint, $2::text, 'endpoint_deleted', resent_at_count FROM ended;

-- attempt_insert [sqlite] --
-- Append an attempt.
INSERT INTO attempts (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code,
                      response, error, url, started_at_ms, duration_ms, manual)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        (SELECT resent_at_count IS NOT NULL FROM deliveries WHERE id = $2));

-- attempt_page_of_message --
-- Attempts of one message, newest first.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms, manual
  FROM attempts
 WHERE message_id = :message_id AND organisation_id = :organisation_id AND application_id = :application_id
   AND id < :before AND id > :after
   AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
   AND (:delivered = '' OR CAST(delivered AS TEXT) = :delivered)
   AND (:status_class = '' OR CAST(status_code / 100 AS TEXT) = :status_class)
   AND ((:event_types = '' AND :channel = '' AND :tag = '') OR EXISTS (
        SELECT 1 FROM messages AS m
         WHERE m.id = attempts.message_id
           AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || m.event_type || ',', '') <> ',' || :event_types || ',')
           AND (:channel = '' OR replace(',' || m.channels || ',', ',' || :channel || ',', '') <> ',' || m.channels || ',')
           AND (:tag = '' OR (SELECT replace(tags, :tag, '') <> tags FROM message_extras WHERE message_id = m.id))))
 ORDER BY id DESC
 LIMIT :limit;

-- attempt_page_of_endpoint --
-- Attempts at one endpoint, newest first.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms, manual
  FROM attempts
 WHERE (endpoint_id, id) < (:endpoint_id, :before) AND (endpoint_id, id) > (:endpoint_id, :after)
   AND organisation_id = :organisation_id AND application_id = :application_id
   AND (:delivered = '' OR CAST(delivered AS TEXT) = :delivered)
   AND (:status_class = '' OR CAST(status_code / 100 AS TEXT) = :status_class)
   AND ((:event_types = '' AND :channel = '' AND :tag = '') OR EXISTS (
        SELECT 1 FROM messages AS m
         WHERE m.id = attempts.message_id
           AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || m.event_type || ',', '') <> ',' || :event_types || ',')
           AND (:channel = '' OR replace(',' || m.channels || ',', ',' || :channel || ',', '') <> ',' || m.channels || ',')
           AND (:tag = '' OR (SELECT replace(tags, :tag, '') <> tags FROM message_extras WHERE message_id = m.id))))
 ORDER BY endpoint_id DESC, id DESC
 LIMIT :limit;

-- attempt_count_of --
-- How the attempts at an endpoint between two ids ended; what was sent and needed no answer is canceled.
SELECT delivered, CASE WHEN status_code = 0 THEN 1 ELSE 0 END, count(*)
  FROM attempts
 WHERE (endpoint_id, id) < (:endpoint_id, :before_id) AND (endpoint_id, id) > (:endpoint_id, :after_id)
   AND organisation_id = :organisation_id AND application_id = :application_id
 GROUP BY 1, 2;

-- attempt_get --
-- One attempt.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms, manual
  FROM attempts WHERE organisation_id = $1 AND id = $2;

-- delivery_sweep [postgres] --
-- Leases that ran out are due from now; the lower bound spares a walk over what was swept before.
WITH ended AS MATERIALIZED (
    SELECT id FROM delivery_queue WHERE state = 'leased' AND due_at_ms > $1 AND due_at_ms <= $2 ORDER BY due_at_ms FOR UPDATE
)
UPDATE delivery_queue SET state = 'due', due_at_ms = $2 WHERE id = ANY (ARRAY(SELECT id FROM ended));

-- delivery_waiting [postgres] --
-- Each endpoint with something due or to come, and when its first falls due; under '' when the first lease runs out.
-- An index seek or two per endpoint: those that are known are looked up from their lower bounds on, others between them ($4).
WITH RECURSIVE known AS (
    SELECT endpoint_id, floor_ms, lead(endpoint_id, 1, '~') OVER (ORDER BY endpoint_id COLLATE "C") AS until
      FROM unnest($1::text[], $2::bigint[]) AS g (endpoint_id, floor_ms)
), unknown AS (
    SELECT q.endpoint_id, q.due_at_ms, k.until
      FROM known AS k CROSS JOIN LATERAL (
           SELECT endpoint_id, due_at_ms FROM delivery_queue
            WHERE state = 'due' AND endpoint_id > k.endpoint_id AND endpoint_id < k.until
            ORDER BY endpoint_id, due_at_ms LIMIT 1) AS q
     WHERE $4::boolean
    UNION ALL
    SELECT q.endpoint_id, q.due_at_ms, u.until
      FROM unknown AS u CROSS JOIN LATERAL (
           SELECT endpoint_id, due_at_ms FROM delivery_queue
            WHERE state = 'due' AND endpoint_id > u.endpoint_id AND endpoint_id < u.until
            ORDER BY endpoint_id, due_at_ms LIMIT 1) AS q
)
SELECT endpoint_id, due_at_ms FROM unknown
UNION ALL
SELECT q.endpoint_id, q.due_at_ms
  FROM known AS k CROSS JOIN LATERAL (
       SELECT endpoint_id, due_at_ms FROM delivery_queue
        WHERE state = 'due' AND endpoint_id = k.endpoint_id AND due_at_ms > k.floor_ms
        ORDER BY due_at_ms LIMIT 1) AS q
UNION ALL
(SELECT '', due_at_ms FROM delivery_queue WHERE state = 'leased' AND due_at_ms > $3 ORDER BY due_at_ms LIMIT 1);

-- delivery_claim [postgres] --
-- Lease some endpoints' due deliveries, each endpoint's oldest first; the number fences off whoever had them before.
-- $2: when the first of each is due. $3: how many of each; where more are due, half of them are first tries.
WITH due AS MATERIALIZED (
    SELECT d.id FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS e (endpoint_id, first_ms, room, place)
     CROSS JOIN LATERAL (
           SELECT array_agg(id) AS ids FROM (
                  SELECT id FROM delivery_queue
                   WHERE state = 'due' AND endpoint_id = e.endpoint_id AND due_at_ms <= $4 AND due_at_ms >= e.first_ms
                   ORDER BY due_at_ms LIMIT e.room FOR UPDATE SKIP LOCKED) AS q) AS oldest
     CROSS JOIN LATERAL (
           SELECT array_agg(id) AS ids FROM (
                  SELECT id FROM delivery_queue
                   WHERE state = 'due' AND attempt_count = 0 AND endpoint_id = e.endpoint_id AND due_at_ms <= $4
                     AND due_at_ms >= e.first_ms AND cardinality(oldest.ids) >= e.room
                   ORDER BY due_at_ms LIMIT (e.room + 1) / 2 FOR UPDATE SKIP LOCKED) AS q) AS firsts
     CROSS JOIN LATERAL (
           SELECT id, min(rank) AS rank FROM unnest(firsts.ids || oldest.ids) WITH ORDINALITY AS u (id, rank)
            GROUP BY id ORDER BY min(rank) LIMIT e.room) AS d
     ORDER BY e.place, d.rank LIMIT $5
), taken AS (
    UPDATE delivery_queue SET state = 'leased', lease_no = lease_no + 1, due_at_ms = $6, node_no = $7
     WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING *
)
SELECT t.id, t.message_id, t.endpoint_id, t.application_id, t.organisation_id, t.event_type, m.payload, m.created_at_ms, m.trace,
       t.attempt_count, t.lease_no, t.due_at_ms, t.resent_at_count,
       coalesce((SELECT order_key FROM delivery_lines AS l WHERE l.delivery_id = t.id), '')
  FROM taken AS t JOIN messages AS m ON m.id = t.message_id ORDER BY t.id;

-- delivery_release [postgres] --
-- Give leases back untried.
-- (Not "= 'leased'", here and where one delivery ends: the index of leases must not seem to serve.)
WITH held AS MATERIALIZED (
    SELECT q.id FROM unnest($1::text[], $2::integer[]) AS g (id, lease_no) CROSS JOIN LATERAL (
           SELECT id FROM delivery_queue WHERE id = g.id AND lease_no = g.lease_no AND state <> 'due' FOR UPDATE) AS q
)
UPDATE delivery_queue SET state = 'due', due_at_ms = $3 WHERE id = ANY (ARRAY(SELECT id FROM held));

-- delivery_abandon [postgres] --
-- End a leased delivery untried.
WITH ended AS (
    DELETE FROM delivery_queue WHERE id = $1 AND state <> 'due' AND lease_no = $2 RETURNING *
)
INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                           lease_no, created_at_ms, finished_at_ms, last_error, dead_reason, resent_at_count)
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no, created_at_ms,
       $3::bigint, $4::text, $5::text, resent_at_count FROM ended;

-- attempt_append [postgres] --
-- Record attempts whose lease nobody else has taken since, and end or postpone their deliveries; give the attempts' ids.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::smallint[],
                         $9::integer[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
                         $15::integer[], $16::text[], $17::bigint[], $18::text[], $19::text[])
        AS g (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code,
              response, error, url, started_at_ms, duration_ms, lease_no, state, due_at_ms, last_error, dead_reason)
), held AS MATERIALIZED (
    SELECT q.event_type, q.created_at_ms, q.resent_at_count, g.*
      FROM given AS g CROSS JOIN LATERAL (
           SELECT event_type, created_at_ms, resent_at_count FROM delivery_queue
            WHERE id = g.delivery_id AND lease_no = g.lease_no AND attempt_count = g.attempt_no - 1 FOR UPDATE) AS q
), gone AS (
    DELETE FROM delivery_queue WHERE id = ANY (ARRAY(SELECT delivery_id FROM held WHERE due_at_ms IS NULL))
), later AS (
    SELECT array_agg(delivery_id) AS ids, array_agg(due_at_ms) AS due_at_ms, array_agg(last_error) AS last_error
      FROM held WHERE due_at_ms IS NOT NULL
), postponed AS (
    UPDATE delivery_queue AS q
       SET state = 'due', attempt_count = attempt_count + 1,
           due_at_ms = (SELECT l.due_at_ms[array_position(l.ids, q.id)] FROM later AS l),
           last_error = (SELECT l.last_error[array_position(l.ids, q.id)] FROM later AS l)
     WHERE id = ANY ((SELECT ids FROM later)::text[])
), history AS (
    INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                               lease_no, created_at_ms, finished_at_ms, last_error, dead_reason, resent_at_count)
    SELECT delivery_id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_no, lease_no,
           created_at_ms, started_at_ms + duration_ms, last_error, dead_reason, resent_at_count FROM held WHERE due_at_ms IS NULL
)
INSERT INTO attempts (id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered,
                      status_code, response, error, url, started_at_ms, duration_ms, manual)
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
       error, url, started_at_ms, duration_ms, (resent_at_count IS NOT NULL)::integer FROM held
RETURNING id;

-- attempt_there [postgres] --
-- Those of these attempts that are recorded.
SELECT id FROM attempts WHERE id = ANY($1::text[]);

-- message_there [postgres] --
-- Those of these messages that are kept.
SELECT id FROM messages WHERE id = ANY($1::text[]);

-- delivery_there [postgres] --
-- Whether a delivery waits.
SELECT id FROM delivery_queue WHERE id = $1;

-- silence_insert [sqlite] --
-- Keep what was not told.
INSERT INTO silences (subject_id, version, organisation_id, event_types, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (subject_id, version) DO NOTHING;

-- silence_insert [postgres] --
-- Keep what was not told.
INSERT INTO silences (subject_id, version, organisation_id, event_types, reason, at_ms)
SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ON CONFLICT (subject_id, version) DO NOTHING;

-- timeline_silences --
-- What was not told of a payment or an account item.
SELECT version, event_types, reason, at_ms FROM silences WHERE subject_id = $1 ORDER BY version;
