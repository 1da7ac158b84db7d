-- notification_old [sqlite] --
-- Notifications from before an id that wait for nothing more.
SELECT notification_id FROM notification_states
 WHERE notification_id < $1 AND state IN ('recorded', 'unmapped', 'parked', 'fetched') ORDER BY notification_id LIMIT $2;

-- notification_key_keep [sqlite] --
-- What is dropped stays a duplicate for ever.
INSERT INTO notification_keys (source_id, dedupe_key, notification_id)
SELECT source_id, dedupe_key, id FROM notifications WHERE id = $1;

-- notification_drop [sqlite] --
-- Drop a notification.
DELETE FROM notifications WHERE id = $1;

-- notification_state_drop [sqlite] --
-- Drop what became of it.
DELETE FROM notification_states WHERE notification_id = $1;

-- message_old [sqlite] --
-- Messages from before an id with no delivery waiting.
SELECT id FROM messages AS m
 WHERE id < $1
   AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.message_id = m.id AND d.state IN ('due', 'leased'))
 ORDER BY id LIMIT $2;

-- attempt_drop [sqlite] --
-- Drop a message's attempts.
DELETE FROM attempts WHERE message_id = $1;

-- delivery_drop [sqlite] --
-- Drop a message's deliveries.
DELETE FROM deliveries WHERE message_id = $1;

-- message_drop [sqlite] --
-- Drop a message.
DELETE FROM messages WHERE id = $1;

-- period_lock [postgres] --
-- One node at a time makes and drops periods.
SELECT pg_advisory_xact_lock(7228, 3);

-- period_patience [postgres] --
-- Who waits for a lock on a table makes all others wait behind it: give up soon, and try again at the next round.
SELECT set_config('lock_timeout', '500ms', true);

-- period_make [postgres] --
-- Make a table's partition for a period; NULL where it is there already.
SELECT paybell_period_make($1, $2, $3, $4, $5);

-- period_list [postgres] --
-- The periods there are partitions for, by table.
SELECT parent.relname::text, right(part.relname, 8)
  FROM pg_inherits AS i
  JOIN pg_class AS part ON part.oid = i.inhrelid
  JOIN pg_class AS parent ON parent.oid = i.inhparent
 WHERE parent.relnamespace = current_schema()::regnamespace AND parent.relkind = 'p' AND part.relkind = 'r'
   AND part.relname ~ '_[0-9]{8}$'
 ORDER BY 2, 1;

-- period_drop [postgres] --
-- Drop a period of some tables together, unless something of it still waits.
SELECT paybell_period_drop($1::text[], $2, $3, $4, $5, $6);
