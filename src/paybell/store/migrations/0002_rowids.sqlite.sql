-- Rows with bodies in them, and those with several indexes, move to tables with a rowid: without one, a body over a quarter
-- page goes to a page of its own, and every index repeats the whole id. Measured: 640 -> 580 us of CPU per payment.

ALTER TABLE notifications RENAME TO notifications_before;
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
) STRICT;
INSERT INTO notifications SELECT * FROM notifications_before ORDER BY id;
DROP TABLE notifications_before;
CREATE UNIQUE INDEX notifications_dedupe ON notifications (source_id, dedupe_key);

ALTER TABLE notification_states RENAME TO notification_states_before;
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
) STRICT;
INSERT INTO notification_states SELECT * FROM notification_states_before ORDER BY notification_id;
DROP TABLE notification_states_before;
CREATE INDEX notification_states_due ON notification_states (state, due_at_ms) WHERE state IN ('pending', 'needs_fetch');

ALTER TABLE payments RENAME TO payments_before;
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
) STRICT;
INSERT INTO payments SELECT * FROM payments_before ORDER BY id;
DROP TABLE payments_before;
CREATE UNIQUE INDEX payments_by_gateway ON payments (source_id, gateway_payment_id);
CREATE INDEX payments_by_order ON payments (organisation_id, order_id, id) WHERE order_id <> '';
CREATE INDEX payments_by_status ON payments (organisation_id, status, id);

ALTER TABLE messages RENAME TO messages_before;
CREATE TABLE messages (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    payload         BLOB NOT NULL,
    payment_id      TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
) STRICT;
INSERT INTO messages SELECT * FROM messages_before ORDER BY id;
DROP TABLE messages_before;
CREATE UNIQUE INDEX messages_event ON messages (application_id, event_id) WHERE event_id <> '';
CREATE INDEX messages_by_application ON messages (application_id, id);
CREATE INDEX messages_by_payment ON messages (payment_id, id) WHERE payment_id <> '';

ALTER TABLE deliveries RENAME TO deliveries_before;
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
) STRICT;
INSERT INTO deliveries SELECT * FROM deliveries_before ORDER BY id;
DROP TABLE deliveries_before;
CREATE UNIQUE INDEX deliveries_once ON deliveries (message_id, endpoint_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at_ms) WHERE state IN ('due', 'leased');
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, id);

ALTER TABLE attempts RENAME TO attempts_before;
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
) STRICT;
INSERT INTO attempts SELECT * FROM attempts_before ORDER BY id;
DROP TABLE attempts_before;
CREATE INDEX attempts_by_message ON attempts (message_id, id);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_id, id);
