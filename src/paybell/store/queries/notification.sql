-- notification_insert [sqlite] --
-- Append a notification unless its source has one with that dedupe key.
INSERT INTO notifications (id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (source_id, dedupe_key) DO NOTHING;

-- notification_state_insert [sqlite] --
-- Say what is to become of a notification just appended.
INSERT INTO notification_states (notification_id, organisation_id, source_id, state, due_at_ms) VALUES ($1, $2, $3, $4, $5);

-- notification_by_dedupe --
-- The notification that a duplicate repeats.
SELECT id FROM notifications WHERE source_id = $1 AND dedupe_key = $2;

-- hint_reopen [sqlite] --
-- The same hint came again: whatever was fetched before may be old.
UPDATE notification_states
   SET state = 'needs_fetch', wanted_no = wanted_no + 1, attempt_count = 0, reason = '', finished_at_ms = NULL, due_at_ms = $1
 WHERE notification_id = $2 AND state IN ('needs_fetch', 'fetched', 'parked');

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

-- notification_state_get --
-- Whether a notification still waits to be recorded.
SELECT state FROM notification_states WHERE notification_id = $1;

-- notification_finish [sqlite] --
-- What became of a notification.
UPDATE notification_states
   SET state = $1, reason = $2, event = $3, finished_at_ms = $4, due_at_ms = NULL, attempt_count = attempt_count + 1
 WHERE notification_id = $5 AND state = 'pending';

-- fetch_finish [sqlite] --
-- What became of a hint, unless it was repeated while the gateway was asked.
UPDATE notification_states
   SET state = $1, reason = $2, attempt_count = $3, due_at_ms = $4, finished_at_ms = $5
 WHERE notification_id = $6 AND state = 'needs_fetch' AND wanted_no = $7;

-- fetch_again [sqlite] --
-- A hint that was repeated meanwhile is due at once.
UPDATE notification_states SET due_at_ms = $1 WHERE notification_id = $2 AND state = 'needs_fetch' AND wanted_no <> $3;

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
   AND n.id < :iterator
   AND (:source_id = '' OR n.source_id = :source_id)
   AND (:state = '' OR s.state = :state)
 ORDER BY n.id DESC
 LIMIT :limit;

-- notification_replay [sqlite] --
-- Take a notification back to its start.
UPDATE notification_states
   SET state = $1, reason = '', finished_at_ms = NULL, attempt_count = 0, wanted_no = wanted_no + 1, due_at_ms = $2
 WHERE notification_id = $3 AND organisation_id = $4 AND state IN ('recorded', 'unmapped', 'parked', 'fetched');

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
   AND id < :iterator
   AND (:source_id = '' OR source_id = :source_id)
 ORDER BY id DESC
 LIMIT :limit;
