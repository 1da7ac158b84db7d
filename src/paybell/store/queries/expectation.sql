-- expectation_list [sqlite] --
-- All that was said of an order, oldest first.
SELECT organisation_id, order_id, amount_minor, currency, created_at_ms
  FROM expectations WHERE organisation_id = $1 AND order_id = $2 ORDER BY id;

-- expectation_known [postgres] --
-- All that was said of some orders, oldest first.
-- (One order at a time: else a plan made while there were few would read all of them when there are many. Compared as rows
-- and so ordered, here and in the page of an order, only the right index will do.)
SELECT e.organisation_id, e.order_id, e.amount_minor, e.currency, e.created_at_ms
  FROM unnest($1::text[], $2::text[]) AS g (organisation_id, order_id)
 CROSS JOIN LATERAL (SELECT * FROM expectations AS o
                      WHERE o.organisation_id = g.organisation_id AND (o.order_id, o.id) > (g.order_id, '')
                        AND o.order_id <= g.order_id
                      ORDER BY o.order_id, o.id) AS e;

-- expectation_insert [sqlite] --
-- Keep what was said.
INSERT INTO expectations (id, organisation_id, order_id, amount_minor, currency, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6);

-- expectation_insert [postgres] --
-- Keep what was said.
INSERT INTO expectations (id, organisation_id, order_id, amount_minor, currency, created_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]);

-- expectation_payments --
-- The ids of the payments of an order.
SELECT source_id, gateway_payment_id
  FROM payments WHERE organisation_id = $1 AND order_id = $2 AND order_id <> '' ORDER BY id LIMIT $3;

-- expectation_page --
-- What an organisation said, newest first.
SELECT organisation_id, order_id, amount_minor, currency, created_at_ms
  FROM expectations
 WHERE (organisation_id, id) < (:organisation_id, :before) AND (organisation_id, id) > (:organisation_id, :after)
 ORDER BY organisation_id DESC, id DESC
 LIMIT :limit;

-- expectation_page_by_order --
-- What was said of an order, newest first.
SELECT organisation_id, order_id, amount_minor, currency, created_at_ms
  FROM expectations
 WHERE organisation_id = :organisation_id AND (order_id, id) < (:order_id, :before) AND (order_id, id) > (:order_id, :after)
 ORDER BY order_id DESC, id DESC
 LIMIT :limit;
