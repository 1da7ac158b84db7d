-- message_extra_insert [sqlite] --
-- What hardly any message has, after the message.
INSERT INTO message_extras (message_id, organisation_id, application_id, tags, deliver_at_ms, payload_ends_at_ms)
VALUES ($1, $2, $3, $4, $5, $6);

-- message_extra_insert [postgres] --
-- What hardly any message has, after the messages.
INSERT INTO message_extras (message_id, organisation_id, application_id, tags, deliver_at_ms, payload_ends_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]);

-- message_extra_ended --
-- Messages whose payloads were to be kept no longer.
SELECT message_id, organisation_id, application_id FROM message_extras
 WHERE payload_ends_at_ms > 0 AND payload_ends_at_ms <= $1 ORDER BY payload_ends_at_ms LIMIT $2;

-- message_extra_end --
-- A message's payload is gone.
UPDATE message_extras SET payload_ends_at_ms = 0 WHERE message_id = $1;

-- message_extra_drop [sqlite] --
-- Drop a message's extras.
DELETE FROM message_extras WHERE message_id = $1;

-- message_extra_drop [postgres] --
-- Drop extras of messages from before an id, some at a time.
DELETE FROM message_extras WHERE message_id = ANY (ARRAY(SELECT message_id FROM message_extras WHERE message_id < $1 LIMIT $2));
