-- The frame: what arrived, what is true, what we tell. Times are milliseconds since 1970, UTC.
-- The ledger and entitlements come with a later number.

CREATE TABLE organisations (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    name            TEXT NOT NULL,
    key_hash        BLOB NOT NULL UNIQUE,
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    revoked_at_ms   INTEGER
) STRICT, WITHOUT ROWID;

-- `sealed` holds secrets, token and options, encrypted (store/seal.py).
CREATE TABLE sources (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    uid             TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    livemode        INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    sealed          BLOB NOT NULL,
    enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at_ms   INTEGER NOT NULL,
    UNIQUE (organisation_id, uid)
) STRICT, WITHOUT ROWID;

-- Never altered: raw body bytes and headers as they came.
CREATE TABLE notifications (
    id              TEXT PRIMARY KEY,
    source_id       TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    dedupe_key      TEXT NOT NULL,
    origin          TEXT NOT NULL CHECK (origin IN ('webhook', 'poll')),
    hint            INTEGER NOT NULL CHECK (hint IN (0, 1)),
    received_at_ms  INTEGER NOT NULL,
    headers         TEXT NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notifications_dedupe ON notifications (source_id, dedupe_key);

-- What became of each; small rows, so that a change of state never rewrites a body.
CREATE TABLE notification_states (
    notification_id TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'recorded', 'unmapped', 'parked', 'needs_fetch', 'fetched')),
    reason          TEXT NOT NULL DEFAULT '',
    event           TEXT NOT NULL DEFAULT '',
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    wanted_no       INTEGER NOT NULL DEFAULT 1,
    due_at_ms       INTEGER,
    finished_at_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_states_due ON notification_states (state, due_at_ms) WHERE state IN ('pending', 'needs_fetch');

CREATE TABLE refusals (
    id              TEXT PRIMARY KEY,
    source_id       TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    refused_at_ms   INTEGER NOT NULL,
    reason          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    headers         TEXT NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_source ON refusals (source_id, id);

-- A grow-only set per payment: the digest is of the whole fact.
CREATE TABLE facts (
    payment_id      TEXT NOT NULL,
    digest          BLOB NOT NULL,
    fact            BLOB NOT NULL,
    notification_id TEXT NOT NULL,
    recorded_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (payment_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    id                 TEXT PRIMARY KEY,
    organisation_id    TEXT NOT NULL,
    source_id          TEXT NOT NULL,
    gateway            TEXT NOT NULL,
    gateway_payment_id TEXT NOT NULL,
    livemode           INTEGER NOT NULL CHECK (livemode IN (0, 1)),
    status             TEXT NOT NULL CHECK (status IN (
        'created', 'processing', 'requires_action', 'authorized', 'partially_captured', 'completed', 'partially_refunded',
        'refunded', 'disputed', 'charged_back', 'failed', 'canceled', 'expired')),
    order_id           TEXT NOT NULL,
    version            INTEGER NOT NULL,
    state              BLOB NOT NULL,
    created_at_ms      INTEGER NOT NULL,
    updated_at_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payments_by_gateway ON payments (source_id, gateway_payment_id);
CREATE INDEX payments_by_order ON payments (organisation_id, order_id, id) WHERE order_id <> '';
CREATE INDEX payments_by_status ON payments (organisation_id, status, id);

CREATE TABLE applications (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    uid             TEXT NOT NULL,
    name            TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX applications_uid ON applications (organisation_id, uid) WHERE uid <> '';

CREATE TABLE endpoints (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    application_id  TEXT NOT NULL REFERENCES applications (id),
    uid             TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    sealed          BLOB NOT NULL,
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    disabled_reason TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX endpoints_uid ON endpoints (application_id, uid) WHERE uid <> '';

CREATE TABLE event_types (
    organisation_id TEXT NOT NULL,
    name            TEXT NOT NULL,
    description     TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    payload         BLOB NOT NULL,
    payment_id      TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_event ON messages (application_id, event_id) WHERE event_id <> '';
CREATE INDEX messages_by_application ON messages (application_id, id);
CREATE INDEX messages_by_payment ON messages (payment_id, id) WHERE payment_id <> '';

CREATE TABLE deliveries (
    id               TEXT PRIMARY KEY,
    message_id       TEXT NOT NULL,
    endpoint_id      TEXT NOT NULL,
    application_id   TEXT NOT NULL,
    organisation_id  TEXT NOT NULL,
    event_type       TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('due', 'leased', 'delivered', 'dead')),
    attempt_count    INTEGER NOT NULL,
    lease_no         INTEGER NOT NULL,
    due_at_ms        INTEGER,
    created_at_ms    INTEGER NOT NULL,
    finished_at_ms   INTEGER,
    last_error       TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX deliveries_once ON deliveries (message_id, endpoint_id);
-- While leased, `due_at_ms` is when the lease ends: one index finds both what is due and what a dead worker left.
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at_ms) WHERE state IN ('due', 'leased');
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, id);

CREATE TABLE attempts (
    id              TEXT PRIMARY KEY,
    delivery_id     TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    endpoint_id     TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    attempt_no      INTEGER NOT NULL,
    delivered       INTEGER NOT NULL CHECK (delivered IN (0, 1)),
    status_code     INTEGER NOT NULL,
    response        TEXT NOT NULL,
    error           TEXT NOT NULL,
    url             TEXT NOT NULL,
    started_at_ms   INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_message ON attempts (message_id, id);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_id, id);

-- Rises with every change of a source or endpoint, so that whoever keeps them in memory sees that they changed.
CREATE TABLE directory (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
INSERT INTO directory VALUES (1, 1);
CREATE TRIGGER sources_added AFTER INSERT ON sources BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER sources_changed AFTER UPDATE ON sources BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER sources_removed AFTER DELETE ON sources BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER endpoints_added AFTER INSERT ON endpoints BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER endpoints_changed AFTER UPDATE ON endpoints BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER endpoints_removed AFTER DELETE ON endpoints BEGIN UPDATE directory SET version = version + 1; END;
