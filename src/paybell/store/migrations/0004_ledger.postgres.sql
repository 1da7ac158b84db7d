-- The ledger. A posting takes an amount out of one account into another, so that no group of them can fail to balance; and it
-- is never edited: a correction is a reversal.
CREATE TABLE postings (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    payment_id      TEXT COLLATE "C" NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN (
        'captured', 'overpaid', 'reversed', 'refund', 'refund_failed', 'fee', 'dispute', 'dispute_won', 'dispute_lost')),
    ref             TEXT COLLATE "C" NOT NULL,
    no              INTEGER NOT NULL CHECK (no > 0),
    line_no         INTEGER NOT NULL CHECK (line_no > 0),
    reversal        SMALLINT NOT NULL CHECK (reversal IN (0, 1)),
    debit           TEXT NOT NULL CHECK (debit IN (
        'clearing', 'payout_in_transit', 'bank', 'disputes_receivable', 'tax_recoverable', 'suspense', 'overpayments', 'sales',
        'refunds', 'fees', 'dispute_fees', 'chargeback_losses', 'fx')),
    credit          TEXT NOT NULL CHECK (credit IN (
        'clearing', 'payout_in_transit', 'bank', 'disputes_receivable', 'tax_recoverable', 'suspense', 'overpayments', 'sales',
        'refunds', 'fees', 'dispute_fees', 'chargeback_losses', 'fx')),
    amount_minor    BIGINT NOT NULL CHECK (amount_minor > 0),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    at_ms           BIGINT NOT NULL,
    posted_at_ms    BIGINT NOT NULL,
    CHECK (debit <> credit),
    UNIQUE (payment_id, kind, ref, no, line_no, reversal)
);
CREATE INDEX postings_by_organisation ON postings (organisation_id, id);

CREATE FUNCTION posting_is_kept() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''a posting is never edited or deleted: reverse it''; END';
CREATE TRIGGER postings_are_kept BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION posting_is_kept();
CREATE TRIGGER postings_are_not_truncated BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION posting_is_kept();
