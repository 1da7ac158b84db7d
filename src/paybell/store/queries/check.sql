-- check_accepted --
-- How many notifications each source has.
SELECT source_id, count(*) FROM notifications GROUP BY source_id ORDER BY source_id;

-- check_became --
-- What became of each source's notifications.
SELECT source_id, state, count(*) FROM notification_states GROUP BY source_id, state ORDER BY source_id, state;

-- check_notifications --
-- Notifications that have no state, or more than one.
SELECT n.id, 'it has ' || count(s.notification_id) || ' states, not one', NULL
  FROM notifications AS n LEFT JOIN notification_states AS s ON s.notification_id = n.id
 GROUP BY n.id HAVING count(s.notification_id) <> 1 ORDER BY n.id;

-- check_notification_states --
-- States of notifications that are not there, or are another source's.
SELECT s.notification_id,
       CASE WHEN n.id IS NULL THEN 'its notification is not there' ELSE 'its notification is of source ' || n.source_id END, NULL
  FROM notification_states AS s LEFT JOIN notifications AS n ON n.id = s.notification_id
 WHERE n.id IS NULL OR n.source_id <> s.source_id OR n.organisation_id <> s.organisation_id
 ORDER BY s.notification_id;

-- check_notification_times --
-- Notifications that wait for no known time, or have one although they wait no more.
SELECT notification_id, 'it is ' || state || ' and due at ' || coalesce(CAST(due_at_ms AS TEXT), 'no time'), NULL
  FROM notification_states
 WHERE (state IN ('pending', 'needs_fetch')) <> (due_at_ms IS NOT NULL)
    OR (state IN ('pending', 'needs_fetch')) <> (finished_at_ms IS NULL)
 ORDER BY notification_id;

-- check_facts [sqlite] --
-- Facts of notifications that are not there and were not dropped by retention, which keeps their keys.
SELECT f.payment_id, 'a fact of it comes from notification ' || f.notification_id || ', which is not there', NULL
  FROM facts AS f LEFT JOIN notifications AS n ON n.id = f.notification_id
 WHERE n.id IS NULL AND f.notification_id <> '' AND f.notification_id NOT IN (SELECT notification_id FROM notification_keys)
 ORDER BY f.payment_id, f.digest;

-- check_facts [postgres] --
-- Facts of notifications that are not there.
SELECT f.payment_id, 'a fact of it comes from notification ' || f.notification_id || ', which is not there', f.notification_id
  FROM facts AS f LEFT JOIN notifications AS n ON n.id = f.notification_id
 WHERE n.id IS NULL AND f.notification_id <> '' ORDER BY f.payment_id, f.digest;

-- check_expectations [sqlite] --
-- Payments of an order that do not expect what was said of it last.
SELECT p.id, 'it does not expect ' || e.amount_minor || ' ' || e.currency || ', as was said of its order', NULL
  FROM expectations AS e JOIN payments AS p ON p.organisation_id = e.organisation_id AND p.order_id = e.order_id
 WHERE NOT EXISTS (SELECT 1 FROM expectations AS o
                    WHERE o.organisation_id = e.organisation_id AND o.order_id = e.order_id AND o.id > e.id)
   AND (coalesce(CAST(p.state AS TEXT) ->> '$.expected_minor', 0) <> e.amount_minor
        OR coalesce(CAST(p.state AS TEXT) ->> '$.expected_currency', '') <> e.currency)
 ORDER BY p.id;

-- check_expectations [postgres] --
-- Payments of an order that do not expect what was said of it last.
SELECT p.id, 'it does not expect ' || e.amount_minor || ' ' || e.currency || ', as was said of its order', NULL
  FROM expectations AS e JOIN payments AS p ON p.organisation_id = e.organisation_id AND p.order_id = e.order_id
 WHERE NOT EXISTS (SELECT 1 FROM expectations AS o
                    WHERE o.organisation_id = e.organisation_id AND o.order_id = e.order_id AND o.id > e.id)
   AND (coalesce(convert_from(p.state, 'UTF8')::json ->> 'expected_minor', '0') <> e.amount_minor::text
        OR coalesce(convert_from(p.state, 'UTF8')::json ->> 'expected_currency', '') <> e.currency)
 ORDER BY p.id;

-- check_posted --
-- Every posting, payment by payment, with its payment's id before it.
SELECT payment_id, id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor,
       currency, at_ms, posted_at_ms
  FROM postings ORDER BY payment_id, id;

-- check_postings --
-- Postings of payments or account items that neither are there nor were merged, or are another source's.
SELECT o.id, CASE WHEN p.id IS NULL THEN 'its payment ' || o.payment_id || ' is not there' ELSE 'its payment is of source '
       || p.source_id END, NULL
  FROM postings AS o
  LEFT JOIN (SELECT id, source_id, organisation_id FROM payments
             UNION ALL SELECT id, source_id, organisation_id FROM account_items
             UNION ALL SELECT id, source_id, organisation_id FROM merged_payments) AS p ON p.id = o.payment_id
 WHERE p.id IS NULL OR p.source_id <> o.source_id OR p.organisation_id <> o.organisation_id
 ORDER BY o.id;

-- check_merged_postings --
-- Postings of merged payments that no reversal has undone.
SELECT min(o.id), 'it stands, though its payment ' || o.payment_id || ' was merged into another', NULL
  FROM postings AS o JOIN merged_payments AS m ON m.id = o.payment_id
 GROUP BY o.payment_id, o.kind, o.ref, o.no, o.line_no HAVING count(*) <> 2 ORDER BY 1;

-- check_merged --
-- Merged payments that still stand, or whose survivor does not, or is another source's.
SELECT m.id, CASE WHEN p.id IS NULL THEN 'the payment ' || m.merged_into || ' that it became is not there'
                  WHEN o.id IS NOT NULL THEN 'it still stands beside the payment that it became'
                  ELSE 'the payment that it became is of source ' || p.source_id END, NULL
  FROM merged_payments AS m LEFT JOIN payments AS p ON p.id = m.merged_into LEFT JOIN payments AS o ON o.id = m.id
 WHERE p.id IS NULL OR o.id IS NOT NULL OR p.source_id <> m.source_id OR p.organisation_id <> m.organisation_id
 ORDER BY m.id;

-- check_aliases --
-- Aliases of payments that are not there, or are another source's, and those that are another payment's own id.
SELECT a.alias, CASE WHEN p.id IS NULL THEN 'its payment ' || a.payment_id || ' is not there'
                     WHEN p.source_id <> a.source_id THEN 'its payment is of source ' || p.source_id
                     ELSE 'it leads to payment ' || p.id || ', and another one is called so' END, NULL
  FROM aliases AS a LEFT JOIN merged_payments AS m ON m.id = a.payment_id
  LEFT JOIN payments AS p ON p.id = coalesce(m.merged_into, a.payment_id)
  LEFT JOIN payments AS o ON o.source_id = a.source_id AND o.gateway_payment_id = a.alias
 WHERE p.id IS NULL OR p.source_id <> a.source_id OR o.id <> p.id
 ORDER BY a.source_id, a.alias;

-- check_aliased --
-- Every alias, payment by payment: of a merged one, that of what it became.
SELECT coalesce(m.merged_into, a.payment_id) AS payment_id, a.alias
  FROM aliases AS a LEFT JOIN merged_payments AS m ON m.id = a.payment_id
 ORDER BY 1, 2;

-- check_messages --
-- Messages about payments that neither are there nor were merged.
SELECT m.id, 'it is about payment ' || m.payment_id || ', which is not there', NULL
  FROM messages AS m
  LEFT JOIN (SELECT id FROM payments UNION ALL SELECT id FROM merged_payments UNION ALL SELECT id FROM account_items
             UNION ALL SELECT id FROM entitlements) AS p ON p.id = m.payment_id
 WHERE m.payment_id <> '' AND p.id IS NULL ORDER BY m.id;

-- check_deliveries [sqlite] --
-- Deliveries of messages that are not there.
SELECT d.id, 'its message ' || d.message_id || ' is not there', NULL
  FROM deliveries AS d LEFT JOIN messages AS m ON m.id = d.message_id
 WHERE m.id IS NULL ORDER BY d.id;

-- check_deliveries [postgres] --
-- Deliveries of messages that are not there.
SELECT d.id, 'its message ' || d.message_id || ' is not there', d.message_id
  FROM deliveries AS d LEFT JOIN messages AS m ON m.id = d.message_id
 WHERE m.id IS NULL ORDER BY d.id;

-- check_delivery_times --
-- Deliveries that wait for no known time, or have one although they ended.
SELECT id, 'it is ' || state || ' and due at ' || coalesce(CAST(due_at_ms AS TEXT), 'no time'), NULL
  FROM deliveries
 WHERE (state IN ('due', 'leased')) <> (due_at_ms IS NOT NULL) OR (state IN ('due', 'leased')) <> (finished_at_ms IS NULL)
 ORDER BY id;

-- check_delivery_lines --
-- Deliveries that wait for others although they are the first of their line, or in none.
SELECT d.id, 'it waits for earlier ones, and there are none', NULL
  FROM deliveries AS d LEFT JOIN delivery_lines AS l ON l.delivery_id = d.id
 WHERE d.state IN ('due', 'leased') AND d.due_at_ms = 253402300799000
   AND NOT EXISTS (SELECT 1 FROM delivery_lines AS b
                    WHERE b.endpoint_id = l.endpoint_id AND b.order_key = l.order_key AND b.place < l.place)
 ORDER BY d.id;

-- check_delivery_attempts [sqlite] --
-- Deliveries whose attempts are not numbered from 1 to their count.
SELECT d.id, 'it counts ' || d.attempt_count || ' attempts; there are ' || count(a.id) || ', numbered from '
       || coalesce(min(a.attempt_no), 0) || ' to ' || coalesce(max(a.attempt_no), 0), NULL
  FROM deliveries AS d LEFT JOIN attempts AS a ON a.message_id = d.message_id AND a.delivery_id = d.id
 GROUP BY d.id, d.attempt_count
HAVING count(a.id) <> d.attempt_count OR count(DISTINCT a.attempt_no) <> d.attempt_count
    OR coalesce(min(a.attempt_no), 1) <> 1 OR coalesce(max(a.attempt_no), 0) <> d.attempt_count
 ORDER BY d.id;

-- check_delivery_attempts [postgres] --
-- Deliveries whose attempts are not numbered from 1 to their count.
SELECT d.id, 'it counts ' || d.attempt_count || ' attempts; there are ' || count(a.id) || ', numbered from '
       || coalesce(min(a.attempt_no), 0) || ' to ' || coalesce(max(a.attempt_no), 0),
       CASE WHEN count(a.id) = 0 OR (count(DISTINCT a.attempt_no) = count(a.id) AND max(a.attempt_no) = d.attempt_count
                                     AND count(a.id) = d.attempt_count - min(a.attempt_no) + 1) THEN d.id END
  FROM deliveries AS d LEFT JOIN attempts AS a ON a.message_id = d.message_id AND a.delivery_id = d.id
 GROUP BY d.id, d.attempt_count
HAVING count(a.id) <> d.attempt_count OR count(DISTINCT a.attempt_no) <> d.attempt_count
    OR coalesce(min(a.attempt_no), 1) <> 1 OR coalesce(max(a.attempt_no), 0) <> d.attempt_count
 ORDER BY d.id;

-- check_attempts [sqlite] --
-- Attempts at deliveries that are not there.
SELECT a.id, 'its delivery ' || a.delivery_id || ' is not there', NULL
  FROM attempts AS a LEFT JOIN deliveries AS d ON d.id = a.delivery_id
 WHERE d.id IS NULL ORDER BY a.id;

-- check_attempts [postgres] --
-- Attempts at deliveries that are not there.
SELECT a.id, 'its delivery ' || a.delivery_id || ' is not there', a.delivery_id
  FROM attempts AS a LEFT JOIN deliveries AS d ON d.id = a.delivery_id
 WHERE d.id IS NULL ORDER BY a.id;

-- check_deliveries_once [postgres] --
-- Deliveries of one message for one endpoint, both waiting and ended (each of the two tables keeps its own apart).
SELECT message_id, 'it has ' || count(*) || ' deliveries for ' || endpoint_id, NULL
  FROM deliveries GROUP BY message_id, endpoint_id HAVING count(*) > 1 ORDER BY message_id;

-- check_notification_keys [postgres] --
-- Notifications without their dedupe key, and keys that point elsewhere.
SELECT coalesce(n.id, k.notification_id),
       CASE WHEN n.id IS NULL THEN 'the dedupe key ' || k.dedupe_key || ' points at it, and it is not there'
            WHEN k.notification_id IS NULL THEN 'no dedupe key points at it' ELSE 'its dedupe key is another' END,
       CASE WHEN n.id IS NULL THEN k.notification_id END
  FROM notifications AS n FULL JOIN notification_keys AS k ON k.notification_id = n.id
 WHERE n.id IS NULL OR k.notification_id IS NULL OR k.source_id <> n.source_id OR k.dedupe_key <> n.dedupe_key
 ORDER BY 1;

-- check_message_keys [postgres] --
-- Messages with an event id that no key points at, and keys that point elsewhere.
SELECT coalesce(m.id, k.message_id),
       CASE WHEN m.id IS NULL THEN 'the event id ' || k.event_id || ' points at it, and it is not there'
            WHEN k.message_id IS NULL THEN 'no key points at it' ELSE 'its event id is another' END,
       CASE WHEN m.id IS NULL THEN k.message_id END
  FROM (SELECT * FROM messages WHERE event_id <> '') AS m FULL JOIN message_keys AS k ON k.message_id = m.id
 WHERE m.id IS NULL OR k.message_id IS NULL OR k.application_id <> m.application_id OR k.event_id <> m.event_id
 ORDER BY 1;

-- check_weeks_notifications [postgres] --
-- The weeks since 1970 (by the time in the id) of which notifications are kept, with the first of each.
SELECT ('x0000' || substr(digits, 1, 12))::bit(64)::bigint / 604800000, min(digits)
  FROM (SELECT split_part(notification_id, '_', 2) COLLATE "C" AS digits FROM notification_ends) AS ids
 WHERE digits ~ '^[0-9a-f]{12}' GROUP BY 1;

-- check_weeks_messages [postgres] --
-- The weeks since 1970 (by the time in the id) of which messages are kept, with the first of each.
SELECT ('x0000' || substr(digits, 1, 12))::bit(64)::bigint / 604800000, min(digits)
  FROM (SELECT split_part(id, '_', 2) COLLATE "C" AS digits FROM messages) AS ids
 WHERE digits ~ '^[0-9a-f]{12}' GROUP BY 1;

-- check_weeks_deliveries [postgres] --
-- The weeks since 1970 (by the time in the id) of which deliveries are kept, with the first of each.
SELECT ('x0000' || substr(digits, 1, 12))::bit(64)::bigint / 604800000, min(digits)
  FROM (SELECT split_part(id, '_', 2) COLLATE "C" AS digits FROM delivery_ends) AS ids
 WHERE digits ~ '^[0-9a-f]{12}' GROUP BY 1;

-- check_weeks_attempts [postgres] --
-- The weeks since 1970 (by the time in the id) of which attempts are kept, with the first of each.
SELECT ('x0000' || substr(digits, 1, 12))::bit(64)::bigint / 604800000, min(digits)
  FROM (SELECT split_part(id, '_', 2) COLLATE "C" AS digits FROM attempts) AS ids
 WHERE digits ~ '^[0-9a-f]{12}' GROUP BY 1;

-- check_grants --
-- Grants of payments and account items that are not there, or are another source's.
SELECT g.subject_id, CASE WHEN p.id IS NULL THEN 'what it is a grant of is not there' ELSE 'what it is a grant of is of source '
       || p.source_id END, NULL
  FROM grants AS g
  LEFT JOIN (SELECT id, source_id FROM payments UNION ALL SELECT id, source_id FROM account_items) AS p ON p.id = g.subject_id
 WHERE p.id IS NULL OR p.source_id <> g.source_id
 ORDER BY g.subject_id;
