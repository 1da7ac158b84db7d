-- answer_begin --
-- Begin to answer a request, unless one under that key was answered, or is being answered now.
INSERT INTO kept_answers (organisation_id, name, request_digest, status_code, answer, ends_at_ms) VALUES ($1, $2, $3, 0, $4, $5)
ON CONFLICT (organisation_id, name) DO UPDATE
   SET request_digest = excluded.request_digest, status_code = 0, answer = excluded.answer, ends_at_ms = excluded.ends_at_ms
 WHERE kept_answers.ends_at_ms <= $6
RETURNING name;

-- answer_get --
-- What is kept under a key.
SELECT request_digest, status_code, answer FROM kept_answers WHERE organisation_id = $1 AND name = $2;

-- answer_keep [sqlite] --
-- Keep the answer.
UPDATE kept_answers SET status_code = $1, answer = $2, ends_at_ms = $3
 WHERE organisation_id = $4 AND name = $5 AND request_digest = $6 AND status_code = 0;

-- answer_keep [postgres] --
-- Keep answers.
UPDATE kept_answers AS k SET status_code = g.status_code, answer = g.answer, ends_at_ms = g.ends_at_ms
  FROM unnest($1::integer[], $2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
    AS g (status_code, answer, ends_at_ms, organisation_id, name, request_digest)
 WHERE k.organisation_id = g.organisation_id AND k.name = g.name AND k.request_digest = g.request_digest AND k.status_code = 0;

-- answer_forget --
-- It was refused: the same key may be used again at once.
DELETE FROM kept_answers WHERE organisation_id = $1 AND name = $2 AND status_code = 0;

-- answer_drop --
-- Drop what has been kept long enough, some at a time.
DELETE FROM kept_answers
 WHERE (organisation_id, name) IN (SELECT organisation_id, name FROM kept_answers WHERE ends_at_ms <= $1 ORDER BY ends_at_ms LIMIT $2);
