-- The ledger. A posting takes an amount out of one account into another, so that no group of them can fail to balance; and it
-- is never edited: a correction is a reversal.
CREATE TABLE postings (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    payment_id      TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN (
        'captured', 'overpaid', 'reversed', 'refund', 'refund_failed', 'fee', 'dispute', 'dispute_won', 'dispute_lost')),
    ref             TEXT NOT NULL,
    no              INTEGER NOT NULL CHECK (no > 0),
    line_no         INTEGER NOT NULL CHECK (line_no > 0),
    reversal        INTEGER NOT NULL CHECK (reversal IN (0, 1)),
    debit           TEXT NOT NULL CHECK (debit IN (
        'clearing', 'payout_in_transit', 'bank', 'disputes_receivable', 'tax_recoverable', 'suspense', 'overpayments', 'sales',
        'refunds', 'fees', 'dispute_fees', 'chargeback_losses', 'fx')),
    credit          TEXT NOT NULL CHECK (credit IN (
        'clearing', 'payout_in_transit', 'bank', 'disputes_receivable', 'tax_recoverable', 'suspense', 'overpayments', 'sales',
        'refunds', 'fees', 'dispute_fees', 'chargeback_losses', 'fx')),
    amount_minor    INTEGER NOT NULL CHECK (amount_minor > 0),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    at_ms           INTEGER NOT NULL,
    posted_at_ms    INTEGER NOT NULL,
    CHECK (debit <> credit),
    UNIQUE (payment_id, kind, ref, no, line_no, reversal)
);
CREATE INDEX postings_by_organisation ON postings (organisation_id, id);

CREATE TRIGGER postings_are_not_updated BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never edited: reverse it'); END;
CREATE TRIGGER postings_are_not_deleted BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never deleted: reverse it'); END;
-- (INSERT OR REPLACE takes rows away without a word to the trigger on DELETE.)
CREATE TRIGGER postings_are_not_replaced BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM postings WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM postings WHERE payment_id = NEW.payment_id AND kind = NEW.kind AND ref = NEW.ref AND no = NEW.no
             AND line_no = NEW.line_no AND reversal = NEW.reversal)
BEGIN SELECT RAISE(ABORT, 'a posting is never edited: reverse it'); END;
