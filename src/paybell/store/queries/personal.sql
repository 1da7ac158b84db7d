-- personal_facts --
-- All facts of a payment or an account item, under their digests.
SELECT digest, fact FROM facts WHERE payment_id = $1;

-- personal_messages --
-- What was told of it.
SELECT id, payload FROM messages WHERE payment_id = $1 AND payment_id <> '';

-- personal_attempts --
-- What endpoints answered to a message.
SELECT id, response, error FROM attempts WHERE message_id = $1;

-- fact_redact --
-- A fact without personal data, under the digest of the whole one.
UPDATE facts SET fact = $1 WHERE payment_id = $2 AND digest = $3;

-- notification_redact --
-- A notification without personal data.
UPDATE notifications SET headers = $1, body = $2 WHERE id = $3;

-- message_redact --
-- A message without personal data.
UPDATE messages SET payload = $1 WHERE id = $2;

-- attempt_redact --
-- An attempt without personal data.
UPDATE attempts SET response = $1, error = $2 WHERE id = $3;

-- entitlement_rename --
-- Whoever was called by an e-mail address goes by another name from now on.
UPDATE entitlements SET customer = $1, email = '' WHERE organisation_id || '' = $2 AND customer = $3;

-- grant_rename --
-- The same in what payments, subscriptions and invoices say.
UPDATE grants SET customer = $1 WHERE organisation_id || '' = $2 AND customer = $3;

-- erasure_insert --
-- Keep that it was done.
INSERT INTO erasures (id, organisation_id, customers, payment_count, notification_count, message_count, erased_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7);
