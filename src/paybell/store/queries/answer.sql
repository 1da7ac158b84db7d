-- answer_begin --
-- Begin to answer a request, unless one under that key was answered, or is being answered now.
INSERT INTO kept_answers (organisation_id, name, request_digest, status_code, answer, ends_at_ms) VALUES ($1, $2, $3, 0, $4, $5)
ON CONFLICT (organisation_id, name) DO UPDATE
   SET request_digest = excluded.request_digest, status_code = 0, answer = excluded.answer, ends_at_ms = excluded.ends_at_ms,
       message_id = ''
 WHERE kept_answers.ends_at_ms <= $6
RETURNING name;

-- answer_get --
-- What is kept under a key; of a message that was posted the message itself.
SELECT k.request_digest, k.status_code, k.answer, k.message_id, m.id, m.organisation_id, m.application_id, m.event_type, m.event_id,
       m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id)
  FROM kept_answers AS k LEFT JOIN messages AS m ON m.id = k.message_id
 WHERE k.organisation_id = $1 AND k.name = $2;

-- answer_post [sqlite] --
-- Take a key for a message, unless it is taken; what the same request has begun is its own.
INSERT INTO kept_answers (organisation_id, name, request_digest, status_code, answer, ends_at_ms, message_id)
VALUES ($1, $2, $3, 202, x'', $4, $5)
ON CONFLICT (organisation_id, name) DO UPDATE
   SET request_digest = excluded.request_digest, status_code = excluded.status_code, answer = excluded.answer,
       ends_at_ms = excluded.ends_at_ms, message_id = excluded.message_id
 WHERE kept_answers.ends_at_ms <= $6
    OR (kept_answers.status_code = 0 AND kept_answers.request_digest = excluded.request_digest);

-- answer_withdraw [sqlite] --
-- The message was refused: its key is free.
DELETE FROM kept_answers WHERE organisation_id = $1 AND name = $2 AND message_id = $3;

-- answer_withdraw [postgres] --
-- The messages were refused: their keys are free.
WITH held AS MATERIALIZED (
    SELECT k.ctid FROM unnest($1::text[], $2::text[], $3::text[]) AS g (organisation_id, name, message_id) CROSS JOIN LATERAL (
           SELECT ctid FROM kept_answers
            WHERE organisation_id = g.organisation_id AND name = g.name AND message_id = g.message_id FOR UPDATE) AS k
)
DELETE FROM kept_answers WHERE ctid = ANY (ARRAY(SELECT ctid FROM held));

-- answer_keep --
-- Keep the answer.
UPDATE kept_answers SET status_code = $1, answer = $2, ends_at_ms = $3
 WHERE organisation_id = $4 AND name = $5 AND request_digest = $6 AND status_code = 0;


-- answer_forget --
-- It was refused: the same key may be used again at once.
DELETE FROM kept_answers WHERE organisation_id = $1 AND name = $2 AND status_code = 0;

-- answer_drop --
-- Drop what has been kept long enough, some at a time.
DELETE FROM kept_answers
 WHERE (organisation_id, name) IN (SELECT organisation_id, name FROM kept_answers WHERE ends_at_ms <= $1 ORDER BY ends_at_ms LIMIT $2);
