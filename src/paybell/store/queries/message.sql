-- message_insert [sqlite] --
-- Append a message.
INSERT INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

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

-- delivery_of_message --
-- Whether a message was for an endpoint, and how it stands.
SELECT state FROM deliveries WHERE message_id = $1 AND endpoint_id = $2 AND organisation_id = $3;

-- delivery_end_of_endpoint [sqlite] --
-- What waits for an endpoint that is gone becomes a dead letter.
UPDATE deliveries SET state = 'dead', due_at_ms = NULL, finished_at_ms = $1, last_error = $2
 WHERE state IN ('due', 'leased') AND endpoint_id = $3;

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
