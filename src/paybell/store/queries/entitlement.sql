-- grant_list [sqlite] --
-- What all of a customer's payments, subscriptions and invoices say.
SELECT subject_id, organisation_id, source_id, customer, says FROM grants WHERE source_id = $1 AND customer = $2;

-- grant_known [postgres] --
-- What all of some customers' payments, subscriptions and invoices say.
-- (Here and in the next one: one customer at a time, compared as rows and so ordered, so that only the right index will do.)
SELECT i.subject_id, i.organisation_id, i.source_id, i.customer, i.says
  FROM unnest($1::text[], $2::text[]) AS g (source_id, customer)
 CROSS JOIN LATERAL (SELECT * FROM grants AS o
                      WHERE o.source_id = g.source_id AND (o.customer, o.subject_id) > (g.customer, '')
                        AND o.customer <= g.customer
                      ORDER BY o.customer, o.subject_id) AS i;

-- grant_upsert [sqlite] --
-- What a payment, subscription or invoice says now.
INSERT INTO grants (subject_id, organisation_id, source_id, customer, says) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (subject_id) DO UPDATE SET customer = excluded.customer, says = excluded.says;

-- grant_upsert [postgres] --
-- What payments, subscriptions and invoices say now.
INSERT INTO grants (subject_id, organisation_id, source_id, customer, says)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
ON CONFLICT (subject_id) DO UPDATE SET customer = excluded.customer, says = excluded.says;

-- grant_delete [sqlite] --
-- It says nothing any more.
DELETE FROM grants WHERE subject_id = $1;

-- grant_delete [postgres] --
-- They say nothing any more.
DELETE FROM grants WHERE subject_id = ANY ($1::text[]);

-- entitlement_list [sqlite] --
-- All entitlements of a customer at a source.
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms,
       due_at_ms, version, who, created_at_ms, updated_at_ms
  FROM entitlements WHERE source_id = $1 AND customer = $2;

-- entitlement_known [postgres] --
-- All entitlements of some customers.
SELECT e.id, e.organisation_id, e.source_id, e.gateway, e.livemode, e.customer, e.email, e.user_id, e.product, e.state,
       e.reason, e.until_ms, e.due_at_ms, e.version, e.who, e.created_at_ms, e.updated_at_ms
  FROM unnest($1::text[], $2::text[]) AS g (source_id, customer)
 CROSS JOIN LATERAL (SELECT * FROM entitlements AS o
                      WHERE (o.customer, o.source_id, o.product) > (g.customer, g.source_id, '')
                        AND o.customer <= g.customer AND o.source_id || '' = g.source_id
                      ORDER BY o.customer, o.source_id, o.product) AS e;

-- entitlement_upsert [sqlite] --
-- Write an entitlement as it now stands.
INSERT INTO entitlements (
    id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms,
    version, who, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (id) DO UPDATE
   SET email = excluded.email, user_id = excluded.user_id, state = excluded.state, reason = excluded.reason,
       until_ms = excluded.until_ms, due_at_ms = excluded.due_at_ms, version = excluded.version, who = excluded.who,
       updated_at_ms = excluded.updated_at_ms;

-- entitlement_upsert [postgres] --
-- Write entitlements as they now stand.
INSERT INTO entitlements (
    id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms,
    version, who, created_at_ms, updated_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::integer[], $15::bytea[],
                     $16::bigint[], $17::bigint[])
ON CONFLICT (id) DO UPDATE
   SET email = excluded.email, user_id = excluded.user_id, state = excluded.state, reason = excluded.reason,
       until_ms = excluded.until_ms, due_at_ms = excluded.due_at_ms, version = excluded.version, who = excluded.who,
       updated_at_ms = excluded.updated_at_ms;

-- entitlement_due --
-- Customers of whose entitlements time has changed one, the longest due first.
SELECT organisation_id, source_id, customer FROM entitlements
 WHERE due_at_ms <= $1 AND due_at_ms IS NOT NULL ORDER BY due_at_ms LIMIT $2;

-- entitlement_wake --
-- All of an organisation are computed anew: a product's policy is another one.
UPDATE entitlements SET due_at_ms = $1 WHERE organisation_id = $2;

-- entitlement_page --
-- An organisation's entitlements, newest first.
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms,
       due_at_ms, version, who, created_at_ms, updated_at_ms
  FROM entitlements
 WHERE (organisation_id, id) < (:organisation_id, :before) AND (organisation_id, id) > (:organisation_id, :after)
   AND (:product = '' OR product = :product)
   AND (:state = '' OR state = :state)
 ORDER BY organisation_id DESC, id DESC
 LIMIT :limit;

-- entitlement_of_customer --
-- All entitlements of a customer, however it is named: by a gateway, by e-mail address, by the merchant. Some stand there twice.
-- (Compared as rows and so ordered, and its organisation as an expression, only the right indexes will do.)
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms, version,
       who, created_at_ms, updated_at_ms
  FROM (SELECT * FROM entitlements
         WHERE (customer, source_id, product) > ($1, '', '') AND customer <= $1 AND customer <> '' AND organisation_id || '' = $2
         ORDER BY customer, source_id, product LIMIT 1000) AS by_name
UNION ALL
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms, version,
       who, created_at_ms, updated_at_ms
  FROM (SELECT * FROM entitlements
         WHERE (email, id) > ($3, '') AND email <= $3 AND email <> '' AND organisation_id || '' = $2
         ORDER BY email, id LIMIT 1000) AS by_email
UNION ALL
SELECT id, organisation_id, source_id, gateway, livemode, customer, email, user_id, product, state, reason, until_ms, due_at_ms, version,
       who, created_at_ms, updated_at_ms
  FROM (SELECT * FROM entitlements
         WHERE (user_id, id) > ($1, '') AND user_id <= $1 AND user_id <> '' AND organisation_id || '' = $2
         ORDER BY user_id, id LIMIT 1000) AS by_user;

-- product_list --
-- An organisation's products, by uid.
SELECT organisation_id, uid, name, plans, duration_days, grace_days, suspended_days, on_refund, created_at_ms, updated_at_ms
  FROM products WHERE organisation_id = $1 ORDER BY uid;

-- product_upsert --
-- Write a product.
INSERT INTO products (organisation_id, uid, name, plans, duration_days, grace_days, suspended_days, on_refund, created_at_ms,
                      updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (organisation_id, uid) DO UPDATE
   SET name = excluded.name, plans = excluded.plans, duration_days = excluded.duration_days, grace_days = excluded.grace_days,
       suspended_days = excluded.suspended_days, on_refund = excluded.on_refund, updated_at_ms = excluded.updated_at_ms;

-- product_delete --
-- Forget a product: what is bought of it is under the default policy from now on.
DELETE FROM products WHERE organisation_id = $1 AND uid = $2;
