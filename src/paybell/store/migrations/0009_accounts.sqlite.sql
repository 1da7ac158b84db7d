-- Payouts, subscriptions, invoices, customers, and what customers may use. Facts and postings of account items stand beside those of
-- payments, with the item's id as `payment_id`.
CREATE TABLE account_items (
    id              TEXT PRIMARY KEY,
    subject         TEXT NOT NULL CHECK (subject IN ('payout', 'subscription', 'invoice', 'customer')),
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    gateway_id      TEXT NOT NULL,
    livemode        INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    status          TEXT NOT NULL,
    version         INTEGER NOT NULL,
    state           BLOB NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL
);
CREATE UNIQUE INDEX account_items_by_gateway ON account_items (source_id, gateway_id, subject);
CREATE INDEX account_items_by_organisation ON account_items (organisation_id, subject, id);

-- SQLite cannot change a CHECK: the table is made anew, and its rows are copied.
CREATE TABLE postings_new (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    payment_id      TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN (
        'captured', 'overpaid', 'reversed', 'refund', 'refund_failed', 'fee', 'dispute', 'dispute_won', 'dispute_lost', 'payout',
        'payout_paid', 'payout_failed')),
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
INSERT INTO postings_new SELECT * FROM postings ORDER BY rowid;
DROP TABLE postings;
ALTER TABLE postings_new RENAME TO postings;
CREATE INDEX postings_by_organisation ON postings (organisation_id, id);

CREATE TRIGGER postings_are_not_updated BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never edited: reverse it'); END;
CREATE TRIGGER postings_are_not_deleted BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never deleted: reverse it'); END;
CREATE TRIGGER postings_are_not_replaced BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM postings WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM postings WHERE payment_id = NEW.payment_id AND kind = NEW.kind AND ref = NEW.ref AND no = NEW.no
             AND line_no = NEW.line_no AND reversal = NEW.reversal)
BEGIN SELECT RAISE(ABORT, 'a posting is never edited: reverse it'); END;

-- What customers may use, and by what: a merchant's products, what each payment, subscription or invoice says (`says`), and what
-- that comes to. `due_at_ms` is when time alone will change it.
CREATE TABLE products (
    organisation_id TEXT NOT NULL,
    uid             TEXT NOT NULL,
    name            TEXT NOT NULL,
    plans           TEXT NOT NULL,
    duration_days   INTEGER NOT NULL CHECK (duration_days >= 0),
    grace_days      INTEGER NOT NULL CHECK (grace_days >= 0),
    suspended_days  INTEGER NOT NULL CHECK (suspended_days >= 0),
    on_refund       TEXT NOT NULL CHECK (on_refund IN ('revoke', 'end_of_period', 'none')),
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    subject_id      TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    customer        TEXT NOT NULL,
    says            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_customer ON grants (source_id, customer, subject_id);

CREATE TABLE entitlements (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    livemode        INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    customer        TEXT NOT NULL,
    email           TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    product         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('granted', 'grace', 'suspended', 'revoked')),
    reason          TEXT NOT NULL,
    until_ms        INTEGER,
    due_at_ms       INTEGER,
    version         INTEGER NOT NULL,
    who             BLOB NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entitlements_by_customer ON entitlements (customer, source_id, product);
CREATE INDEX entitlements_by_organisation ON entitlements (organisation_id, id);
CREATE INDEX entitlements_by_email ON entitlements (email, id) WHERE email <> '';
CREATE INDEX entitlements_by_user ON entitlements (user_id, id) WHERE user_id <> '';
CREATE INDEX entitlements_due ON entitlements (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- What was not told, and why.
CREATE TABLE silences (
    subject_id      TEXT NOT NULL,
    version         INTEGER NOT NULL,
    organisation_id TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    reason          TEXT NOT NULL,
    at_ms           INTEGER NOT NULL,
    PRIMARY KEY (subject_id, version)
) STRICT, WITHOUT ROWID;

-- Notifications that told of a subject nothing that was not known already.
CREATE TABLE mentions (
    subject_id      TEXT NOT NULL,
    notification_id TEXT NOT NULL,
    at_ms           INTEGER NOT NULL,
    PRIMARY KEY (subject_id, notification_id)
) STRICT, WITHOUT ROWID;

-- Whose personal data was taken out, when and of how much; the rows of their payments stay.
CREATE TABLE erasures (
    id                 TEXT PRIMARY KEY,
    organisation_id    TEXT NOT NULL,
    customers          TEXT NOT NULL,
    payment_count      INTEGER NOT NULL,
    notification_count INTEGER NOT NULL,
    message_count      INTEGER NOT NULL,
    erased_at_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
