-- dead_letter_page --
-- Dead letters of an application, newest first.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error, dead_reason
  FROM dead_letters
 WHERE (application_id, id) < (:application_id, :before) AND (application_id, id) > (:application_id, :after)
   AND organisation_id = :organisation_id
   AND (:reason = '' OR dead_reason = :reason)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || event_type || ',', '') <> ',' || :event_types || ',')
 ORDER BY application_id DESC, id DESC
 LIMIT :limit;

-- dead_letter_count --
-- How many dead letters of an application there are for each reason, counted to a limit.
SELECT dead_reason, count(*) FROM (
SELECT dead_reason
  FROM dead_letters
 WHERE (application_id, id) < (:application_id, :before) AND (application_id, id) > (:application_id, :after)
   AND organisation_id = :organisation_id
   AND (:reason = '' OR dead_reason = :reason)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || event_type || ',', '') <> ',' || :event_types || ',')
 ORDER BY application_id DESC, id DESC LIMIT :count_max) AS found
 GROUP BY dead_reason;

-- dead_letter_page_of_endpoint --
-- Dead letters of an endpoint, newest first.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, due_at_ms, created_at_ms,
       finished_at_ms, last_error, dead_reason
  FROM dead_letters
 WHERE (endpoint_id, id) < (:endpoint_id, :before) AND (endpoint_id, id) > (:endpoint_id, :after)
   AND organisation_id = :organisation_id
   AND application_id || '' = :application_id
   AND (:reason = '' OR dead_reason = :reason)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || event_type || ',', '') <> ',' || :event_types || ',')
 ORDER BY endpoint_id DESC, id DESC
 LIMIT :limit;

-- dead_letter_count_of_endpoint --
-- How many dead letters of an endpoint there are for each reason, counted to a limit.
SELECT dead_reason, count(*) FROM (
SELECT dead_reason
  FROM dead_letters
 WHERE (endpoint_id, id) < (:endpoint_id, :before) AND (endpoint_id, id) > (:endpoint_id, :after)
   AND organisation_id = :organisation_id
   AND application_id || '' = :application_id
   AND (:reason = '' OR dead_reason = :reason)
   AND (:event_types = '' OR replace(',' || :event_types || ',', ',' || event_type || ',', '') <> ',' || :event_types || ',')
 ORDER BY endpoint_id DESC, id DESC LIMIT :count_max) AS found
 GROUP BY dead_reason;

-- task_look_dead --
-- An endpoint's dead letters between two ids of messages, oldest first.
SELECT m.id, m.organisation_id, m.application_id, m.event_type, m.event_id, m.payload, m.payment_id, m.created_at_ms, m.channels, m.trace,
       d.id, d.state, d.attempt_count, NULL, NULL,
       (SELECT tags FROM message_extras WHERE message_id = m.id), (SELECT deliver_at_ms FROM message_extras WHERE message_id = m.id),
       d.dead_reason
  FROM dead_letters AS d JOIN messages AS m ON m.id = d.message_id
 WHERE d.endpoint_id = $1 AND d.message_id > $2 AND d.message_id < $3 AND d.organisation_id = $4
 ORDER BY d.message_id LIMIT $5;
