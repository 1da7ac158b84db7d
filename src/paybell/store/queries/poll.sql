-- poll_begin --
-- An application is polled for the first time.
INSERT INTO poll_heads (application_id, last_no, last_id, wide_at_ms) VALUES ($1, 0, '', $2) ON CONFLICT (application_id) DO NOTHING;

-- poll_head --
-- How far an application's messages have numbers.
SELECT last_no, last_id, wide_at_ms FROM poll_heads WHERE application_id = $1;

-- poll_head_lock [postgres] --
-- The same, held: one at a time gives numbers, and the next one sees them.
SELECT last_no, last_id, wide_at_ms FROM poll_heads WHERE application_id = $1 FOR UPDATE;

-- poll_new --
-- Messages above an id that have no number yet, oldest first.
SELECT m.id FROM messages AS m
 WHERE m.application_id = $1 AND m.id > $2
   AND NOT EXISTS (SELECT 1 FROM poll_numbers AS n WHERE n.application_id = m.application_id AND n.message_id = m.id)
 ORDER BY m.id LIMIT $3;

-- poll_number [sqlite] --
-- Give a message its number.
INSERT INTO poll_numbers (application_id, no, message_id) VALUES ($1, $2, $3);

-- poll_number [postgres] --
-- Give messages the numbers after one.
INSERT INTO poll_numbers (application_id, no, message_id)
SELECT $1, $2 + g.place, g.id FROM unnest($3::text[]) WITH ORDINALITY AS g (id, place);

-- poll_advance --
-- Numbers have been given.
UPDATE poll_heads SET last_no = $1, last_id = $2, wide_at_ms = $3 WHERE application_id = $4;

-- poll_read --
-- Messages by their numbers.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels,
       m.trace, (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       n.no
  FROM poll_numbers AS n JOIN messages AS m ON m.id = n.message_id
 WHERE n.application_id = $1 AND n.no > $2 AND n.message_id > $3
 ORDER BY n.no LIMIT $4;

-- poll_start --
-- The lowest number of the messages above an id.
SELECT min(no) FROM poll_numbers WHERE application_id = $1 AND message_id > $2;

-- poll_consumer_get --
-- How far a consumer has read.
SELECT position_no, after_id FROM poll_consumers WHERE endpoint_id = $1 AND name = $2;

-- poll_consumer_advance --
-- A consumer has read as far as that, or further.
INSERT INTO poll_consumers (endpoint_id, name, position_no, after_id, updated_at_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (endpoint_id, name) DO UPDATE SET position_no = excluded.position_no, updated_at_ms = excluded.updated_at_ms
 WHERE poll_consumers.position_no < excluded.position_no;

-- poll_consumer_seek --
-- A consumer goes on from there.
INSERT INTO poll_consumers (endpoint_id, name, position_no, after_id, updated_at_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (endpoint_id, name) DO UPDATE
   SET position_no = excluded.position_no, after_id = excluded.after_id, updated_at_ms = excluded.updated_at_ms;

-- poll_forget_endpoint --
-- Nobody reads from an endpoint that was deleted.
DELETE FROM poll_consumers WHERE endpoint_id = $1;

-- poll_forget_head --
-- Nobody polls an application that was deleted.
DELETE FROM poll_heads WHERE application_id = $1;

-- poll_forget_numbers --
-- Nor do its messages need numbers.
DELETE FROM poll_numbers WHERE application_id = $1;

-- poll_drop [sqlite] --
-- Drop a message's number, before the message.
DELETE FROM poll_numbers WHERE message_id = $1 AND application_id = (SELECT application_id FROM messages WHERE id = $1);

-- poll_drop [postgres] --
-- Drop numbers of messages from before an id that were dropped, some at a time.
DELETE FROM poll_numbers WHERE (application_id, no) IN (
    SELECT n.application_id, n.no
      FROM poll_heads AS h JOIN poll_numbers AS n ON n.application_id = h.application_id AND n.message_id < $1
     WHERE NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.id = n.message_id)
     LIMIT $2);
