-- posting_insert [sqlite] --
-- Post one line.
INSERT INTO postings (id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor,
                      currency, at_ms, posted_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- posting_insert [postgres] --
-- Post lines.
INSERT INTO postings (id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor,
                      currency, at_ms, posted_at_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::integer[],
                     $9::smallint[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[]);

-- posting_list [sqlite] --
-- All postings of a payment, as they were made.
SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor, currency, at_ms,
       posted_at_ms
  FROM postings WHERE payment_id = $1;

-- posting_known [postgres] --
-- All postings of some payments.
SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor, currency, at_ms,
       posted_at_ms
  FROM postings WHERE payment_id = ANY ($1::text[]);

-- posting_page --
-- An organisation's postings, newest first.
SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor, currency, at_ms,
       posted_at_ms
  FROM postings
 WHERE (organisation_id, id) < (:organisation_id, :before) AND (organisation_id, id) > (:organisation_id, :after)
   AND (:source_id = '' OR source_id = :source_id)
   AND (:currency = '' OR currency = :currency)
   AND (:account = '' OR debit = :account OR credit = :account)
 ORDER BY organisation_id DESC, id DESC
 LIMIT :limit;

-- posting_page_of_payment [sqlite] --
-- A payment's postings, and those of payments merged into it, newest first; by the index of payments and no other.
WITH found (id) AS (
    SELECT coalesce((SELECT merged_into FROM merged_payments WHERE id = :payment_id), :payment_id)
    UNION ALL
    SELECT m.id FROM merged_payments AS m
     WHERE m.merged_into = coalesce((SELECT merged_into FROM merged_payments WHERE id = :payment_id), :payment_id)
)
SELECT o.id, o.organisation_id, o.source_id, o.payment_id, o.kind, o.ref, o.no, o.line_no, o.reversal, o.debit, o.credit,
       o.amount_minor, o.currency, o.at_ms, o.posted_at_ms
  FROM found CROSS JOIN postings AS o
 WHERE o.payment_id = found.id AND +o.organisation_id = :organisation_id AND +o.id < :before AND +o.id > :after
   AND (:source_id = '' OR o.source_id = :source_id)
   AND (:currency = '' OR o.currency = :currency)
   AND (:account = '' OR o.debit = :account OR o.credit = :account)
 ORDER BY o.id DESC
 LIMIT :limit;

-- posting_page_of_payment [postgres] --
-- A payment's postings, and those of payments merged into it, newest first; by the index of payments and no other.
WITH found (id) AS (
    SELECT coalesce((SELECT merged_into FROM merged_payments WHERE id = :payment_id), :payment_id)
    UNION ALL
    SELECT m.id FROM merged_payments AS m
     WHERE m.merged_into = coalesce((SELECT merged_into FROM merged_payments WHERE id = :payment_id), :payment_id)
)
SELECT o.id, o.organisation_id, o.source_id, o.payment_id, o.kind, o.ref, o.no, o.line_no, o.reversal, o.debit, o.credit,
       o.amount_minor, o.currency, o.at_ms, o.posted_at_ms
  FROM found CROSS JOIN LATERAL (SELECT * FROM postings WHERE payment_id = found.id OFFSET 0) AS o
 WHERE o.organisation_id = :organisation_id AND o.id < :before AND o.id > :after
   AND (:source_id = '' OR o.source_id = :source_id)
   AND (:currency = '' OR o.currency = :currency)
   AND (:account = '' OR o.debit = :account OR o.credit = :account)
 ORDER BY o.id DESC
 LIMIT :limit;

-- ledger_balances --
-- The sums of every account, by source and currency.
SELECT source_id, currency, account, sum(debit_minor) AS debit_minor, sum(credit_minor) AS credit_minor
  FROM (SELECT source_id, currency, debit AS account, amount_minor AS debit_minor, 0 AS credit_minor
          FROM postings WHERE organisation_id = $1
        UNION ALL
        SELECT source_id, currency, credit, 0, amount_minor
          FROM postings WHERE organisation_id = $1) AS sides
 GROUP BY source_id, currency, account
 ORDER BY source_id, currency, account;
