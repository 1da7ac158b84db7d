-- account_item_get --
-- One account item of an organisation.
SELECT id, subject, organisation_id, source_id, gateway, gateway_id, livemode, state, created_at_ms, updated_at_ms
  FROM account_items
 WHERE organisation_id = $1 AND subject = $2 AND id = $3;

-- account_item_page --
-- Account items of one subject, newest first.
SELECT id, subject, organisation_id, source_id, gateway, gateway_id, livemode, state, created_at_ms, updated_at_ms
  FROM account_items
 WHERE organisation_id = :organisation_id AND (subject, id) < (:subject, :before) AND (subject, id) > (:subject, :after)
   AND (:source_id = '' OR source_id = :source_id)
   AND (:status = '' OR status = :status)
 ORDER BY subject DESC, id DESC
 LIMIT :limit;

-- account_item_page_by_gateway --
-- The account items (one per source) that gateways call so.
SELECT i.id, i.subject, i.organisation_id, i.source_id, i.gateway, i.gateway_id, i.livemode, i.state, i.created_at_ms,
       i.updated_at_ms
  FROM sources AS s JOIN account_items AS i
    ON i.source_id = s.id AND i.subject = :subject AND i.gateway_id = :gateway_id
 WHERE s.organisation_id = :organisation_id AND i.id < :before AND i.id > :after
   AND (:source_id = '' OR i.source_id = :source_id)
   AND (:status = '' OR i.status = :status)
 ORDER BY i.id DESC
 LIMIT :limit;

-- account_item_by_gateway [sqlite] --
-- The account item that a gateway calls so.
SELECT id, subject, organisation_id, source_id, gateway, gateway_id, livemode, state, created_at_ms, updated_at_ms
  FROM account_items WHERE source_id = $1 AND subject = $2 AND gateway_id = $3;

-- account_item_known [postgres] --
-- The account items that gateways call so.
-- (One at a time: else a plan made while there were few would read all of them when there are many.)
SELECT i.id, i.subject, i.organisation_id, i.source_id, i.gateway, i.gateway_id, i.livemode, i.state, i.created_at_ms,
       i.updated_at_ms
  FROM unnest($1::text[], $2::text[], $3::text[]) AS g (source_id, subject, gateway_id)
 CROSS JOIN LATERAL (SELECT * FROM account_items AS o
                      WHERE o.source_id = g.source_id AND o.gateway_id = g.gateway_id AND o.subject || '' = g.subject LIMIT 1) AS i;

-- account_item_upsert [sqlite] --
-- Write an account item as its facts now say it stands.
INSERT INTO account_items (id, subject, organisation_id, source_id, gateway, gateway_id, livemode, status, version, state,
                           created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE
   SET status = excluded.status, version = excluded.version, state = excluded.state, updated_at_ms = excluded.updated_at_ms;

-- account_item_upsert [postgres] --
-- Write account items as their facts now say they stand.
INSERT INTO account_items (id, subject, organisation_id, source_id, gateway, gateway_id, livemode, status, version, state,
                           created_at_ms, updated_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[],
                     $9::integer[], $10::bytea[], $11::bigint[], $12::bigint[])
ON CONFLICT (id) DO UPDATE
   SET status = excluded.status, version = excluded.version, state = excluded.state, updated_at_ms = excluded.updated_at_ms;
