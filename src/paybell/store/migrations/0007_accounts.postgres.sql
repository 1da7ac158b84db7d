-- Payouts, subscriptions, invoices, customers, and what customers may use. Facts and postings of account items stand beside those of
-- payments, with the item's id as `payment_id`.
CREATE TABLE account_items (
    id              TEXT COLLATE "C" PRIMARY KEY,
    subject         TEXT COLLATE "C" NOT NULL CHECK (subject IN ('payout', 'subscription', 'invoice', 'customer')),
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    gateway         TEXT COLLATE "C" NOT NULL,
    gateway_id      TEXT COLLATE "C" NOT NULL,
    livemode        SMALLINT NOT NULL CHECK (livemode IN (0, 1)),
    status          TEXT COLLATE "C" NOT NULL,
    version         INTEGER NOT NULL,
    state           BYTEA NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_items_by_gateway ON account_items (source_id, gateway_id, subject);
CREATE INDEX account_items_by_organisation ON account_items (organisation_id, subject, id);

ALTER TABLE postings DROP CONSTRAINT postings_kind_check;
ALTER TABLE postings ADD CONSTRAINT postings_kind_check CHECK (kind IN (
    'captured', 'overpaid', 'reversed', 'refund', 'refund_failed', 'fee', 'dispute', 'dispute_won', 'dispute_lost', 'payout',
    'payout_paid', 'payout_failed')) NOT VALID;

-- What customers may use, and by what: a merchant's products, what each payment, subscription or invoice says (`says`), and what
-- that comes to. `due_at_ms` is when time alone will change it.
CREATE TABLE products (
    organisation_id TEXT COLLATE "C" NOT NULL,
    uid             TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    plans           TEXT COLLATE "C" NOT NULL,
    duration_days   INTEGER NOT NULL CHECK (duration_days >= 0),
    grace_days      INTEGER NOT NULL CHECK (grace_days >= 0),
    suspended_days  INTEGER NOT NULL CHECK (suspended_days >= 0),
    on_refund       TEXT COLLATE "C" NOT NULL CHECK (on_refund IN ('revoke', 'end_of_period', 'none')),
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, uid)
);

CREATE TABLE grants (
    subject_id      TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    customer        TEXT COLLATE "C" NOT NULL,
    says            BYTEA NOT NULL
);
CREATE INDEX grants_by_customer ON grants (source_id, customer, subject_id);

CREATE TABLE entitlements (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    gateway         TEXT COLLATE "C" NOT NULL,
    livemode        SMALLINT NOT NULL CHECK (livemode IN (0, 1)),
    customer        TEXT COLLATE "C" NOT NULL,
    email           TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    product         TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('granted', 'grace', 'suspended', 'revoked')),
    reason          TEXT COLLATE "C" NOT NULL,
    until_ms        BIGINT,
    due_at_ms       BIGINT,
    version         INTEGER NOT NULL,
    who             BYTEA NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);
CREATE UNIQUE INDEX entitlements_by_customer ON entitlements (customer, source_id, product);
CREATE INDEX entitlements_by_organisation ON entitlements (organisation_id, id);
CREATE INDEX entitlements_by_email ON entitlements (email, id) WHERE email <> '';
CREATE INDEX entitlements_by_user ON entitlements (user_id, id) WHERE user_id <> '';
CREATE INDEX entitlements_due ON entitlements (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- What was not told, and why.
CREATE TABLE silences (
    subject_id      TEXT COLLATE "C" NOT NULL,
    version         INTEGER NOT NULL,
    organisation_id TEXT COLLATE "C" NOT NULL,
    event_types     TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    at_ms           BIGINT NOT NULL,
    PRIMARY KEY (subject_id, version)
);

-- Notifications that told of a subject nothing that was not known already.
CREATE TABLE mentions (
    subject_id      TEXT COLLATE "C" NOT NULL,
    notification_id TEXT COLLATE "C" NOT NULL,
    at_ms           BIGINT NOT NULL,
    PRIMARY KEY (subject_id, notification_id)
);

-- Whose personal data was taken out, when and of how much; the rows of their payments stay.
CREATE TABLE erasures (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    organisation_id    TEXT COLLATE "C" NOT NULL,
    customers          TEXT COLLATE "C" NOT NULL,
    payment_count      INTEGER NOT NULL,
    notification_count INTEGER NOT NULL,
    message_count      INTEGER NOT NULL,
    erased_at_ms       BIGINT NOT NULL
);
