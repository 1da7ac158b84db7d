-- payment_get --
-- One payment of an organisation; of one that was merged, what it became.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments WHERE organisation_id = $1 AND id = coalesce((SELECT merged_into FROM merged_payments WHERE id = $2), $2);

-- payment_upsert [sqlite] --
-- Write a payment as its facts now say it stands.
INSERT INTO payments (id, organisation_id, source_id, gateway, gateway_payment_id, livemode, status, order_id, version, state,
                      created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE
   SET gateway_payment_id = excluded.gateway_payment_id, status = excluded.status, order_id = excluded.order_id,
       version = excluded.version, state = excluded.state, updated_at_ms = excluded.updated_at_ms;

-- payment_upsert [postgres] --
-- Write payments as their facts now say they stand.
INSERT INTO payments (id, organisation_id, source_id, gateway, gateway_payment_id, livemode, status, order_id, version, state,
                      created_at_ms, updated_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
                     $9::integer[], $10::bytea[], $11::bigint[], $12::bigint[])
ON CONFLICT (id) DO UPDATE
   SET gateway_payment_id = excluded.gateway_payment_id, status = excluded.status, order_id = excluded.order_id,
       version = excluded.version, state = excluded.state, updated_at_ms = excluded.updated_at_ms;

-- payment_page_all [sqlite] --
-- Payments, newest first.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments
 WHERE organisation_id = :organisation_id AND id < :before AND id > :after
   AND (:source_id = '' OR source_id = :source_id)
 ORDER BY organisation_id DESC, id DESC
 LIMIT :limit;

-- payment_page_all [postgres] --
-- Payments, newest first.
-- (Compared as rows and so ordered, here and in other pages, only the right index will do: else a planner may walk over
-- everybody's history to find the rows of one who has few.)
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments
 WHERE (organisation_id, id) < (:organisation_id, :before) AND (organisation_id, id) > (:organisation_id, :after)
   AND (:source_id = '' OR source_id = :source_id)
 ORDER BY organisation_id DESC, id DESC
 LIMIT :limit;

-- payment_page_by_status --
-- Payments of one status, newest first.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments
 WHERE organisation_id = :organisation_id AND (status, id) < (:status, :before) AND (status, id) > (:status, :after)
   AND (:source_id = '' OR source_id = :source_id)
 ORDER BY status DESC, id DESC
 LIMIT :limit;

-- payment_page_by_order --
-- Payments of one order, newest first.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments
 WHERE organisation_id = :organisation_id AND order_id = :order_id AND order_id <> ''
   AND id < :before AND id > :after
   AND (:source_id = '' OR source_id = :source_id)
   AND (:status = '' OR status = :status)
 ORDER BY id DESC
 LIMIT :limit;

-- payment_page_by_gateway --
-- The payment (one per source) behind any of a gateway's ids.
WITH found (id) AS (
    SELECT (SELECT q.id FROM payments AS q WHERE q.source_id = s.id AND q.gateway_payment_id = :gateway_payment_id)
      FROM sources AS s WHERE s.organisation_id = :organisation_id
    UNION
    SELECT (SELECT coalesce((SELECT m.merged_into FROM merged_payments AS m WHERE m.id = a.payment_id), a.payment_id)
              FROM aliases AS a WHERE a.source_id = s.id AND a.alias = :gateway_payment_id)
      FROM sources AS s WHERE s.organisation_id = :organisation_id
)
SELECT p.id, p.organisation_id, p.source_id, p.gateway, p.gateway_payment_id, p.livemode, p.state, p.created_at_ms, p.updated_at_ms
  FROM found CROSS JOIN payments AS p
 WHERE p.id = found.id
   AND p.id < :before AND p.id > :after
   AND (:source_id = '' OR p.source_id = :source_id)
   AND (:status = '' OR p.status = :status)
   AND (:order_id = '' OR p.order_id = :order_id)
 ORDER BY p.id DESC
 LIMIT :limit;

-- fact_insert [sqlite] --
-- Add a fact to a payment's set.
INSERT INTO facts (payment_id, digest, fact, notification_id, recorded_at_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (payment_id, digest) DO NOTHING;

-- fact_insert [postgres] --
-- Add facts to payments' sets.
INSERT INTO facts (payment_id, digest, fact, notification_id, recorded_at_ms)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[])
ON CONFLICT (payment_id, digest) DO NOTHING;

-- fact_list [sqlite] --
-- All facts of a payment.
SELECT digest, fact FROM facts WHERE payment_id = $1;

-- timeline_facts --
-- All facts of a payment with where they come from.
SELECT fact, notification_id, recorded_at_ms FROM facts WHERE payment_id = $1 ORDER BY recorded_at_ms, digest;

-- timeline_notifications --
-- The notifications behind a payment's facts, and those that told of it nothing new.
SELECT n.id, n.received_at_ms, n.origin, s.event, s.state, s.reason, f.is_news
  FROM (SELECT notification_id, max(is_news) AS is_news
          FROM (SELECT notification_id, 1 AS is_news FROM facts WHERE payment_id = $1
                UNION ALL SELECT notification_id, 0 FROM mentions WHERE subject_id = $1) AS told
         GROUP BY notification_id) AS f
  JOIN notifications AS n ON n.id = f.notification_id
  JOIN notification_states AS s ON s.notification_id = n.id
 ORDER BY n.id;

-- timeline_messages --
-- What was told about a payment.
SELECT id, event_type, application_id, created_at_ms FROM messages WHERE payment_id = $1 AND payment_id <> '' ORDER BY id;

-- payment_lock [postgres] --
-- One recorder at a time per payment, also for payments that are not there yet; the keys come sorted, so that none waits in a circle.
SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS g (key);

-- fact_known [postgres] --
-- All facts of some payments.
SELECT payment_id, digest, fact FROM facts WHERE payment_id = ANY($1::text[]);

-- mention_insert [sqlite] --
-- A notification that told of a subject nothing new, and never did.
INSERT INTO mentions (subject_id, notification_id, at_ms)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM facts WHERE payment_id = $1 AND notification_id = $2)
ON CONFLICT (subject_id, notification_id) DO NOTHING;

-- mention_insert [postgres] --
-- Notifications that told of subjects nothing new, and never did.
INSERT INTO mentions (subject_id, notification_id, at_ms)
SELECT g.subject_id, g.notification_id, g.at_ms
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS g (subject_id, notification_id, at_ms)
 WHERE NOT EXISTS (SELECT 1 FROM facts AS f WHERE f.payment_id = g.subject_id AND f.notification_id = g.notification_id)
ON CONFLICT (subject_id, notification_id) DO NOTHING;

-- fact_tellers [sqlite] --
-- Which notification told each fact of a payment or an account item.
SELECT payment_id, digest, notification_id FROM facts WHERE payment_id = $1;

-- fact_tellers [postgres] --
-- Which notification told each fact of some payments or account items.
SELECT payment_id, digest, notification_id FROM facts WHERE payment_id = ANY ($1::text[]);

-- fact_drop [sqlite] --
-- No notification says it any more.
DELETE FROM facts WHERE payment_id = $1 AND digest = $2;

-- fact_drop [postgres] --
-- No notification says them any more.
DELETE FROM facts AS f USING unnest($1::text[], $2::bytea[]) AS g (payment_id, digest)
 WHERE f.payment_id = g.payment_id AND f.digest = g.digest;
