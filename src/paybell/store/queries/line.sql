-- line_lock [postgres] --
-- Keep others from these lines until the transaction ends; in their order, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(key) FROM (SELECT key FROM unnest($1::bigint[]) AS g (key) ORDER BY key) AS sorted;

-- line_join [sqlite] --
-- A delivery goes to the end of its line.
INSERT INTO delivery_lines (delivery_id, endpoint_id, order_key, place)
VALUES ($1, $2, $3, 1 + coalesce((SELECT place FROM delivery_lines WHERE endpoint_id = $2 AND order_key = $3
                                   ORDER BY place DESC LIMIT 1), 0));

-- line_join [postgres] --
-- Deliveries go to the ends of their lines, in the order in which they are given.
INSERT INTO delivery_lines (delivery_id, endpoint_id, order_key, place)
SELECT g.delivery_id, g.endpoint_id, g.order_key,
       coalesce(l.place, 0) + row_number() OVER (PARTITION BY g.endpoint_id, g.order_key ORDER BY g.rank)
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS g (delivery_id, endpoint_id, order_key, rank)
  LEFT JOIN LATERAL (
       SELECT place FROM delivery_lines WHERE endpoint_id = g.endpoint_id AND order_key = g.order_key
        ORDER BY place DESC LIMIT 1) AS l ON true;

-- line_leave [sqlite] --
-- A delivery has ended; where it stood.
DELETE FROM delivery_lines WHERE delivery_id = $1 RETURNING place;

-- line_leave [postgres] --
-- Deliveries have ended; where they stood.
DELETE FROM delivery_lines WHERE delivery_id = ANY ($1::text[]) RETURNING endpoint_id, order_key, place;

-- line_of_message [sqlite] --
-- Where a message waits in lines.
SELECT l.delivery_id, l.endpoint_id, l.order_key
  FROM deliveries AS d JOIN delivery_lines AS l ON l.delivery_id = d.id WHERE d.message_id = $1;

-- line_of_message [postgres] --
-- Where a message waits in lines.
SELECT delivery_id, endpoint_id, order_key
  FROM delivery_lines WHERE delivery_id = ANY (ARRAY(SELECT id FROM delivery_queue WHERE message_id = $1));

-- line_release [sqlite] --
-- The first of a line, behind that place, is due from now, or from when it is to be sent.
UPDATE deliveries SET due_at_ms = max($1, coalesce((SELECT deliver_at_ms FROM message_extras AS x WHERE x.message_id = deliveries.message_id), 0))
 WHERE state = 'due' AND due_at_ms = $2
   AND id = (SELECT delivery_id FROM delivery_lines WHERE endpoint_id = $3 AND order_key = $4 AND place > $5
              ORDER BY place LIMIT 1);

-- line_release [postgres] --
-- The first of each line, behind that place, is due from now, or from when it is to be sent.
UPDATE delivery_queue AS q
   SET due_at_ms = greatest($1, coalesce((SELECT deliver_at_ms FROM message_extras AS x WHERE x.message_id = q.message_id), 0))
 WHERE state <> 'leased' AND due_at_ms = $2
   AND id = ANY (ARRAY(
       SELECT h.delivery_id FROM unnest($3::text[], $4::text[], $5::bigint[]) AS g (endpoint_id, order_key, place)
        CROSS JOIN LATERAL (
              SELECT delivery_id FROM delivery_lines
               WHERE endpoint_id = g.endpoint_id AND order_key = g.order_key AND place > g.place
               ORDER BY place LIMIT 1) AS h));

-- line_close --
-- Its endpoint is gone, and all that waited for it has ended.
DELETE FROM delivery_lines WHERE endpoint_id = $1;
