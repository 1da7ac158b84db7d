-- archive_organisations --
-- Every organisation.
SELECT id, name, created_at_ms
  FROM organisations ORDER BY id;

-- archive_api_keys --
-- Every key's hash.
SELECT id, organisation_id, name, key_hash, created_at_ms, expires_at_ms, revoked_at_ms, scopes, used_at_ms, application_id,
       session_id, limits
  FROM api_keys ORDER BY id;

-- archive_sources --
-- Every source, its box sealed.
SELECT id, organisation_id, uid, gateway, livemode, sealed, enabled, created_at_ms
  FROM sources ORDER BY id;

-- archive_notifications --
-- Every notification as it came.
SELECT id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body
  FROM notifications ORDER BY id;

-- archive_notification_states --
-- What became of every notification. Who leases it is left out: one that is to be recorded is due since it came.
SELECT notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no,
       CASE WHEN state = 'pending' AND due_at_ms IS NOT NULL THEN coalesce((SELECT n.received_at_ms FROM notifications AS n
            WHERE n.id = notification_states.notification_id), due_at_ms) ELSE due_at_ms END AS due_at_ms,
       finished_at_ms
  FROM notification_states ORDER BY notification_id;

-- archive_refusals --
-- Every sample of a refused request.
SELECT id, source_id, organisation_id, refused_at_ms, reason, detail, headers, body
  FROM refusals ORDER BY id;

-- archive_facts --
-- Every fact.
SELECT payment_id, digest, fact, notification_id, recorded_at_ms
  FROM facts ORDER BY payment_id, digest;

-- archive_payments --
-- Every payment.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, status, order_id, version, state,
       created_at_ms, updated_at_ms
  FROM payments ORDER BY id;

-- archive_applications --
-- Every application.
SELECT id, organisation_id, uid, name, created_at_ms, updated_at_ms, options
  FROM applications ORDER BY id;

-- archive_endpoints --
-- Every endpoint, its box sealed.
SELECT id, organisation_id, application_id, uid, url, description, event_types, sealed, disabled, disabled_reason,
       created_at_ms, updated_at_ms, options
  FROM endpoints ORDER BY id;

-- archive_event_types --
-- Every event type of an organisation's own.
SELECT organisation_id, name, description, created_at_ms, options, updated_at_ms
  FROM event_types ORDER BY organisation_id, name;

-- archive_messages --
-- Every message.
SELECT id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace
  FROM messages ORDER BY id;

-- archive_delivery_lines --
-- Who waits in which line.
SELECT delivery_id, endpoint_id, order_key, place FROM delivery_lines ORDER BY delivery_id;

-- archive_deliveries --
-- Every delivery. Who leases it is left out: it is due since it was made.
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type,
       CASE state WHEN 'leased' THEN 'due' ELSE state END AS state, attempt_count, lease_no,
       CASE state WHEN 'leased' THEN created_at_ms ELSE due_at_ms END AS due_at_ms, created_at_ms, finished_at_ms,
       last_error, resent_at_count, dead_reason
  FROM deliveries ORDER BY id;

-- archive_attempts --
-- Every attempt.
SELECT id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code,
       response, error, url, started_at_ms, duration_ms, manual
  FROM attempts ORDER BY id;

-- archive_organisations_insert [sqlite] --
-- Put a row of organisations in as it is.
INSERT INTO organisations (
    id, name, created_at_ms)
VALUES ($1, $2, $3);

-- archive_api_keys_insert [sqlite] --
-- Put a row of api_keys in as it is.
INSERT INTO api_keys (
    id, organisation_id, name, key_hash, created_at_ms, expires_at_ms, revoked_at_ms, scopes, used_at_ms, application_id,
    session_id, limits)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- archive_sources_insert [sqlite] --
-- Put a row of sources in as it is.
INSERT INTO sources (
    id, organisation_id, uid, gateway, livemode, sealed, enabled, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- archive_notifications_insert [sqlite] --
-- Put a row of notifications in as it is.
INSERT INTO notifications (
    id, source_id, organisation_id, dedupe_key, origin, hint, received_at_ms, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- archive_notification_states_insert [sqlite] --
-- Put a row of notification_states in as it is.
INSERT INTO notification_states (
    notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no, due_at_ms, finished_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- archive_refusals_insert [sqlite] --
-- Put a row of refusals in as it is.
INSERT INTO refusals (
    id, source_id, organisation_id, refused_at_ms, reason, detail, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- archive_facts_insert [sqlite] --
-- Put a row of facts in as it is.
INSERT INTO facts (
    payment_id, digest, fact, notification_id, recorded_at_ms)
VALUES ($1, $2, $3, $4, $5);

-- archive_payments_insert [sqlite] --
-- Put a row of payments in as it is.
INSERT INTO payments (
    id, organisation_id, source_id, gateway, gateway_payment_id, livemode, status, order_id, version, state, created_at_ms,
    updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- archive_merged_payments_insert [sqlite] --
-- Put a row of merged_payments in as it is.
INSERT INTO merged_payments (
    id, organisation_id, source_id, merged_into, merged_at_ms)
VALUES ($1, $2, $3, $4, $5);

-- archive_applications_insert [sqlite] --
-- Put a row of applications in as it is.
INSERT INTO applications (
    id, organisation_id, uid, name, created_at_ms, updated_at_ms, options)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- archive_endpoints_insert [sqlite] --
-- Put a row of endpoints in as it is.
INSERT INTO endpoints (
    id, organisation_id, application_id, uid, url, description, event_types, sealed, disabled, disabled_reason,
    created_at_ms, updated_at_ms, options)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- archive_event_types_insert [sqlite] --
-- Put a row of event_types in as it is.
INSERT INTO event_types (
    organisation_id, name, description, created_at_ms, options, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6);

-- archive_messages_insert [sqlite] --
-- Put a row of messages in as it is.
INSERT INTO messages (
    id, organisation_id, application_id, event_type, event_id, payload, payment_id, created_at_ms, channels, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- archive_delivery_lines_insert [sqlite] --
-- Put a row of delivery_lines in as it is.
INSERT INTO delivery_lines (delivery_id, endpoint_id, order_key, place) VALUES ($1, $2, $3, $4);

-- archive_deliveries_insert [sqlite] --
-- Put a row of deliveries in as it is.
INSERT INTO deliveries (
    id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, due_at_ms,
    created_at_ms, finished_at_ms, last_error, resent_at_count, dead_reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- archive_attempts_insert [sqlite] --
-- Put a row of attempts in as it is.
INSERT INTO attempts (
    id, delivery_id, message_id, endpoint_id, application_id, organisation_id, attempt_no, delivered, status_code, response,
    error, url, started_at_ms, duration_ms, manual)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);


-- archive_notification_keys [postgres] --
-- Dedupe keys that outlived their notifications (retention dropped those).
SELECT k.source_id, k.dedupe_key, k.notification_id
  FROM notification_keys AS k LEFT JOIN notifications AS n ON n.id = k.notification_id
 WHERE n.id IS NULL ORDER BY k.source_id, k.dedupe_key;

-- archive_notification_keys [sqlite] --
-- Dedupe keys that outlived their notifications (retention dropped those).
SELECT source_id, dedupe_key, notification_id
  FROM notification_keys ORDER BY source_id, dedupe_key;

-- archive_message_keys [postgres] --
-- Event ids that outlived their messages (retention dropped those).
SELECT k.application_id, k.event_id, k.message_id
  FROM message_keys AS k LEFT JOIN messages AS m ON m.id = k.message_id
 WHERE m.id IS NULL ORDER BY k.application_id, k.event_id;

-- archive_message_keys [sqlite] --
-- None: an event id is its message's own.
SELECT application_id, event_id, id FROM messages WHERE 0;

-- archive_notification_keys_insert [sqlite] --
-- Put a row of notification_keys in as it is.
INSERT INTO notification_keys (source_id, dedupe_key, notification_id) VALUES ($1, $2, $3);

-- archive_occupied [sqlite] --
-- What a database holds besides its default organisation.
SELECT 'organisations' WHERE (SELECT count(*) FROM organisations) > 1
UNION ALL SELECT 'api_keys' WHERE EXISTS (SELECT 1 FROM api_keys)
UNION ALL SELECT 'audit' WHERE EXISTS (SELECT 1 FROM audit)
UNION ALL SELECT 'sources' WHERE EXISTS (SELECT 1 FROM sources)
UNION ALL SELECT 'notifications' WHERE EXISTS (SELECT 1 FROM notifications)
UNION ALL SELECT 'notification_keys' WHERE EXISTS (SELECT 1 FROM notification_keys)
UNION ALL SELECT 'notification_states' WHERE EXISTS (SELECT 1 FROM notification_states)
UNION ALL SELECT 'refusals' WHERE EXISTS (SELECT 1 FROM refusals)
UNION ALL SELECT 'facts' WHERE EXISTS (SELECT 1 FROM facts)
UNION ALL SELECT 'payments' WHERE EXISTS (SELECT 1 FROM payments)
UNION ALL SELECT 'account_items' WHERE EXISTS (SELECT 1 FROM account_items)
UNION ALL SELECT 'products' WHERE EXISTS (SELECT 1 FROM products)
UNION ALL SELECT 'grants' WHERE EXISTS (SELECT 1 FROM grants)
UNION ALL SELECT 'entitlements' WHERE EXISTS (SELECT 1 FROM entitlements)
UNION ALL SELECT 'silences' WHERE EXISTS (SELECT 1 FROM silences)
UNION ALL SELECT 'mentions' WHERE EXISTS (SELECT 1 FROM mentions)
UNION ALL SELECT 'erasures' WHERE EXISTS (SELECT 1 FROM erasures)
UNION ALL SELECT 'expectations' WHERE EXISTS (SELECT 1 FROM expectations)
UNION ALL SELECT 'merged_payments' WHERE EXISTS (SELECT 1 FROM merged_payments)
UNION ALL SELECT 'aliases' WHERE EXISTS (SELECT 1 FROM aliases)
UNION ALL SELECT 'postings' WHERE EXISTS (SELECT 1 FROM postings)
UNION ALL SELECT 'applications' WHERE EXISTS (SELECT 1 FROM applications)
UNION ALL SELECT 'endpoints' WHERE EXISTS (SELECT 1 FROM endpoints)
UNION ALL SELECT 'event_types' WHERE EXISTS (SELECT 1 FROM event_types)
UNION ALL SELECT 'messages' WHERE EXISTS (SELECT 1 FROM messages)
UNION ALL SELECT 'message_extras' WHERE EXISTS (SELECT 1 FROM message_extras)
UNION ALL SELECT 'deliveries' WHERE EXISTS (SELECT 1 FROM deliveries)
UNION ALL SELECT 'delivery_lines' WHERE EXISTS (SELECT 1 FROM delivery_lines)
UNION ALL SELECT 'attempts' WHERE EXISTS (SELECT 1 FROM attempts)
UNION ALL SELECT 'tasks' WHERE EXISTS (SELECT 1 FROM tasks)
UNION ALL SELECT 'poll_heads' WHERE EXISTS (SELECT 1 FROM poll_heads)
UNION ALL SELECT 'poll_numbers' WHERE EXISTS (SELECT 1 FROM poll_numbers)
UNION ALL SELECT 'poll_consumers' WHERE EXISTS (SELECT 1 FROM poll_consumers);

-- archive_occupied [postgres] --
-- What a database holds besides its default organisation.
SELECT 'organisations' WHERE (SELECT count(*) FROM organisations) > 1
UNION ALL SELECT 'api_keys' WHERE EXISTS (SELECT 1 FROM api_keys)
UNION ALL SELECT 'audit' WHERE EXISTS (SELECT 1 FROM audit)
UNION ALL SELECT 'sources' WHERE EXISTS (SELECT 1 FROM sources)
UNION ALL SELECT 'notifications' WHERE EXISTS (SELECT 1 FROM notifications)
UNION ALL SELECT 'notification_keys' WHERE EXISTS (SELECT 1 FROM notification_keys)
UNION ALL SELECT 'notification_states' WHERE EXISTS (SELECT 1 FROM notification_states)
UNION ALL SELECT 'refusals' WHERE EXISTS (SELECT 1 FROM refusals)
UNION ALL SELECT 'facts' WHERE EXISTS (SELECT 1 FROM facts)
UNION ALL SELECT 'payments' WHERE EXISTS (SELECT 1 FROM payments)
UNION ALL SELECT 'account_items' WHERE EXISTS (SELECT 1 FROM account_items)
UNION ALL SELECT 'products' WHERE EXISTS (SELECT 1 FROM products)
UNION ALL SELECT 'grants' WHERE EXISTS (SELECT 1 FROM grants)
UNION ALL SELECT 'entitlements' WHERE EXISTS (SELECT 1 FROM entitlements)
UNION ALL SELECT 'silences' WHERE EXISTS (SELECT 1 FROM silences)
UNION ALL SELECT 'mentions' WHERE EXISTS (SELECT 1 FROM mentions)
UNION ALL SELECT 'erasures' WHERE EXISTS (SELECT 1 FROM erasures)
UNION ALL SELECT 'expectations' WHERE EXISTS (SELECT 1 FROM expectations)
UNION ALL SELECT 'merged_payments' WHERE EXISTS (SELECT 1 FROM merged_payments)
UNION ALL SELECT 'aliases' WHERE EXISTS (SELECT 1 FROM aliases)
UNION ALL SELECT 'postings' WHERE EXISTS (SELECT 1 FROM postings)
UNION ALL SELECT 'applications' WHERE EXISTS (SELECT 1 FROM applications)
UNION ALL SELECT 'endpoints' WHERE EXISTS (SELECT 1 FROM endpoints)
UNION ALL SELECT 'event_types' WHERE EXISTS (SELECT 1 FROM event_types)
UNION ALL SELECT 'messages' WHERE EXISTS (SELECT 1 FROM messages)
UNION ALL SELECT 'message_keys' WHERE EXISTS (SELECT 1 FROM message_keys)
UNION ALL SELECT 'message_extras' WHERE EXISTS (SELECT 1 FROM message_extras)
UNION ALL SELECT 'deliveries' WHERE EXISTS (SELECT 1 FROM deliveries)
UNION ALL SELECT 'delivery_lines' WHERE EXISTS (SELECT 1 FROM delivery_lines)
UNION ALL SELECT 'attempts' WHERE EXISTS (SELECT 1 FROM attempts)
UNION ALL SELECT 'tasks' WHERE EXISTS (SELECT 1 FROM tasks)
UNION ALL SELECT 'poll_heads' WHERE EXISTS (SELECT 1 FROM poll_heads)
UNION ALL SELECT 'poll_numbers' WHERE EXISTS (SELECT 1 FROM poll_numbers)
UNION ALL SELECT 'poll_consumers' WHERE EXISTS (SELECT 1 FROM poll_consumers);

-- archive_span --
-- The first and the last ids, which say in which time what is appended was made.
SELECT min(id), max(id) FROM notifications
UNION ALL SELECT min(id), max(id) FROM messages
UNION ALL SELECT min(id), max(id) FROM deliveries
UNION ALL SELECT min(id), max(id) FROM attempts;

-- archive_clear --
-- The default organisation makes room for those that come.
DELETE FROM organisations;

-- archive_lock [postgres] --
-- One copy at a time from or to a database; a copy to itself finds it taken.
SELECT pg_try_advisory_xact_lock(7228, 4);

-- archive_nodes [postgres] --
-- The nodes that gave a sign of life just now.
SELECT name FROM nodes WHERE beat_at_ms > extract(epoch FROM clock_timestamp()) * 1000 - 10000 ORDER BY id;

-- archive_postings --
-- Every posting.
SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor, currency, at_ms,
       posted_at_ms
  FROM postings ORDER BY id;

-- archive_aliases --
-- Every alias.
SELECT source_id, alias, payment_id
  FROM aliases ORDER BY source_id, alias;

-- archive_merged_payments --
-- Every payment that became another one.
SELECT id, organisation_id, source_id, merged_into, merged_at_ms
  FROM merged_payments ORDER BY id;

-- archive_expectations --
-- Everything that merchants said that orders should pay.
SELECT id, organisation_id, order_id, amount_minor, currency, created_at_ms
  FROM expectations ORDER BY id;

-- archive_account_items --
-- Every account item.
SELECT id, subject, organisation_id, source_id, gateway, gateway_id, livemode, status, version, state, created_at_ms,
       updated_at_ms
  FROM account_items ORDER BY id;

-- archive_account_items_insert [sqlite] --
-- Put a row of account_items in as it is.
INSERT INTO account_items (
    id, subject, organisation_id, source_id, gateway, gateway_id, livemode, status, version, state, created_at_ms,
    updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- archive_products --
-- Every product.
SELECT organisation_id, uid, name, plans, duration_days, grace_days, suspended_days, on_refund, created_at_ms, updated_at_ms
  FROM products ORDER BY organisation_id, uid;

-- archive_products_insert [sqlite] --
-- Put a row of products in as it is.
INSERT INTO products (
    organisation_id, uid, name, plans, duration_days, grace_days, suspended_days, on_refund, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- archive_grants --
-- What every payment, subscription and invoice says that its customer may use.
SELECT subject_id, organisation_id, source_id, customer, says
  FROM grants ORDER BY subject_id;

-- archive_grants_insert [sqlite] --
-- Put a row of grants in as it is.
INSERT INTO grants (
    subject_id, organisation_id, source_id, customer, says)
VALUES ($1, $2, $3, $4, $5);

-- archive_entitlements --
-- Every entitlement.
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms,
       due_at_ms, version, who, created_at_ms, updated_at_ms
  FROM entitlements ORDER BY id;

-- archive_entitlements_insert [sqlite] --
-- Put a row of entitlements in as it is.
INSERT INTO entitlements (
    id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms,
    version, who, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- archive_silences --
-- Everything that was not told.
SELECT subject_id, version, organisation_id, event_types, reason, at_ms
  FROM silences ORDER BY subject_id, version;

-- archive_silences_insert [sqlite] --
-- Put a row of silences in as it is.
INSERT INTO silences (
    subject_id, version, organisation_id, event_types, reason, at_ms)
VALUES ($1, $2, $3, $4, $5, $6);

-- archive_erasures --
-- Every erasure.
SELECT id, organisation_id, customers, payment_count, notification_count, message_count, erased_at_ms
  FROM erasures ORDER BY id;

-- archive_erasures_insert [sqlite] --
-- Put a row of erasures in as it is.
INSERT INTO erasures (
    id, organisation_id, customers, payment_count, notification_count, message_count, erased_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- archive_mentions --
-- Every notification that told of a subject nothing new.
SELECT subject_id, notification_id, at_ms
  FROM mentions ORDER BY subject_id, notification_id;

-- archive_mentions_insert [sqlite] --
-- Put a row of mentions in as it is.
INSERT INTO mentions (subject_id, notification_id, at_ms)
VALUES ($1, $2, $3);

-- archive_tasks --
-- Every task. Who works on it is left out: one that runs is due since it was made.
SELECT id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no,
       CASE state WHEN 'running' THEN created_at_ms END AS due_at_ms, created_at_ms, updated_at_ms, finished_at_ms, result
  FROM tasks ORDER BY id;

-- archive_tasks_insert [sqlite] --
-- Put a row of tasks in as it is.
INSERT INTO tasks (
    id, organisation_id, application_id, endpoint_id, kind, asked, state, reason, cursor, found, done, skipped, lease_no, due_at_ms,
    created_at_ms, updated_at_ms, finished_at_ms, result)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- archive_audit --
-- Every line of the audit log.
SELECT id, organisation_id, at_ms, actor, operation, objects, fields, address
  FROM audit ORDER BY id;

-- archive_message_extras --
-- What hardly any message has.
SELECT message_id, organisation_id, application_id, tags, deliver_at_ms, payload_ends_at_ms
  FROM message_extras ORDER BY message_id;

-- archive_poll_heads --
-- How far each application's messages have numbers.
SELECT application_id, last_no, last_id, wide_at_ms
  FROM poll_heads ORDER BY application_id;

-- archive_poll_heads_insert [sqlite] --
-- Put a row of poll_heads in as it is.
INSERT INTO poll_heads (application_id, last_no, last_id, wide_at_ms) VALUES ($1, $2, $3, $4);

-- archive_poll_numbers --
-- Every number of a message that is polled.
SELECT application_id, no, message_id
  FROM poll_numbers ORDER BY application_id, no;

-- archive_poll_consumers --
-- How far each consumer has read.
SELECT endpoint_id, name, position_no, after_id, updated_at_ms
  FROM poll_consumers ORDER BY endpoint_id, name;
