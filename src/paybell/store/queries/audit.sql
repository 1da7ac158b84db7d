-- audit_insert --
-- Write a line. A change that is tried again writes the same one.
INSERT INTO audit (id, organisation_id, at_ms, actor, operation, objects, fields, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO NOTHING;

-- audit_page --
-- Lines, newest first.
SELECT id, organisation_id, at_ms, actor, operation, objects, fields, address
  FROM audit
 WHERE organisation_id = :organisation_id AND id > :after AND id < :before
   AND (:actor = '' OR actor = :actor) AND (:operation = '' OR operation = :operation)
   AND (:object = '' OR replace(objects, :object, '') <> objects)
 ORDER BY organisation_id DESC, id DESC LIMIT :limit;

-- audit_drop --
-- Drop lines from before an id, some at a time.
DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2);
