-- payment_by_gateway [sqlite] --
-- The payment that a gateway calls so.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments WHERE source_id = $1 AND gateway_payment_id = $2;

-- alias_get [sqlite] --
-- The payment that an alias was given to.
SELECT payment_id FROM aliases WHERE source_id = $1 AND alias = $2;

-- payment_standing [sqlite] --
-- A payment; of one that was merged, what it became.
SELECT id, organisation_id, source_id, gateway, gateway_payment_id, livemode, state, created_at_ms, updated_at_ms
  FROM payments WHERE id = coalesce((SELECT merged_into FROM merged_payments WHERE id = $1), $1);

-- payment_known [postgres] --
-- The payments behind any of gateways' ids, each after the id it was found by: its own, or an alias, perhaps of one merged since.
-- (One alias at a time: else a plan made while there were few would read all of them when there are many.)
SELECT g.source_id, g.name, p.id, p.organisation_id, p.source_id, p.gateway, p.gateway_payment_id, p.livemode, p.state,
       p.created_at_ms, p.updated_at_ms
  FROM unnest($1::text[], $2::text[]) AS g (source_id, name)
  JOIN payments AS p ON p.source_id = g.source_id AND p.gateway_payment_id = g.name
UNION ALL
SELECT g.source_id, g.name, p.id, p.organisation_id, p.source_id, p.gateway, p.gateway_payment_id, p.livemode, p.state,
       p.created_at_ms, p.updated_at_ms
  FROM unnest($1::text[], $2::text[]) AS g (source_id, name)
 CROSS JOIN LATERAL (SELECT coalesce((SELECT m.merged_into FROM merged_payments AS m WHERE m.id = a.payment_id), a.payment_id) AS id
                       FROM aliases AS a WHERE a.source_id = g.source_id AND a.alias = g.name LIMIT 1) AS found
  JOIN payments AS p ON p.id = found.id;

-- alias_insert [sqlite] --
-- Another id of a payment.
INSERT INTO aliases (source_id, alias, payment_id) VALUES ($1, $2, $3)
ON CONFLICT (source_id, alias) DO NOTHING;

-- alias_insert [postgres] --
-- Other ids of payments.
INSERT INTO aliases (source_id, alias, payment_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (source_id, alias) DO NOTHING;

-- merge_list --
-- What was merged into a payment, oldest first.
SELECT id, merged_at_ms FROM merged_payments WHERE merged_into = $1 ORDER BY merged_at_ms, id;

-- merge_facts [sqlite] --
-- A merged payment's facts are the survivor's; what the merchant said of an order may be among both, and is one then.
UPDATE OR REPLACE facts SET payment_id = $1 WHERE payment_id = $2;

-- merge_same_facts [postgres] --
-- What the merchant said of an order may be among the facts of several payments that become one: it is left once.
WITH g (merged_into, id) AS (SELECT * FROM unnest($1::text[], $2::text[]))
DELETE FROM facts AS f USING g
 WHERE f.payment_id = g.id
   AND EXISTS (SELECT 1 FROM facts AS o
                WHERE o.digest = f.digest
                  AND o.payment_id IN (SELECT g.merged_into UNION ALL
                                       SELECT h.id FROM g AS h WHERE h.merged_into = g.merged_into AND h.id < g.id));

-- merge_facts [postgres] --
-- Merged payments' facts are the survivors'.
UPDATE facts
   SET payment_id = (SELECT g.merged_into FROM unnest($1::text[], $2::text[]) AS g (merged_into, id) WHERE g.id = facts.payment_id)
 WHERE payment_id = ANY ($2::text[]);

-- merge_earlier [sqlite] --
-- What was merged into it before is merged into the survivor.
UPDATE merged_payments SET merged_into = $1 WHERE merged_into = $2;

-- merge_earlier [postgres] --
-- What was merged into them before is merged into the survivors.
UPDATE merged_payments AS m
   SET merged_into = (SELECT g.merged_into FROM unnest($1::text[], $2::text[]) AS g (merged_into, id) WHERE g.id = m.merged_into)
 WHERE merged_into = ANY ($2::text[]);

-- merge_payment [sqlite] --
-- It is no payment any more.
DELETE FROM payments WHERE id = $1;

-- merge_payment [postgres] --
-- They are no payments any more.
DELETE FROM payments WHERE id = ANY ($1::text[]);

-- merge_insert [sqlite] --
-- Keep what it became.
INSERT INTO merged_payments (merged_into, id, organisation_id, source_id, merged_at_ms) VALUES ($1, $2, $3, $4, $5);

-- merge_insert [postgres] --
-- Keep what they became.
INSERT INTO merged_payments (merged_into, id, organisation_id, source_id, merged_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]);
