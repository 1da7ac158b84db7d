-- The frame: what arrived, what is true, what we tell. Times are milliseconds since 1970, UTC.
-- What waits lies in two small tables (notification_queue, delivery_queue) and leaves them when it ends, so that no index
-- on the way of a claim grows with history. History is partitioned by id, whose first digits are its time.

CREATE TABLE organisations (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name          TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    name            TEXT NOT NULL,
    key_hash        BYTEA NOT NULL UNIQUE,
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT,
    revoked_at_ms   BIGINT
);

-- `sealed` holds secrets, token and options, encrypted (store/seal.py).
CREATE TABLE sources (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    uid             TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    livemode        SMALLINT NOT NULL CHECK (livemode IN (0, 1)),
    sealed          BYTEA NOT NULL,
    enabled         SMALLINT NOT NULL CHECK (enabled IN (0, 1)),
    created_at_ms   BIGINT NOT NULL,
    UNIQUE (organisation_id, uid)
);

-- Never altered: raw body bytes and headers as they came.
CREATE TABLE notifications (
    id              TEXT COLLATE "C" PRIMARY KEY,
    source_id       TEXT COLLATE "C" NOT NULL,
    organisation_id TEXT COLLATE "C" NOT NULL,
    dedupe_key      TEXT NOT NULL,
    origin          TEXT NOT NULL CHECK (origin IN ('webhook', 'poll')),
    hint            SMALLINT NOT NULL CHECK (hint IN (0, 1)),
    received_at_ms  BIGINT NOT NULL,
    headers         TEXT NOT NULL,
    body            BYTEA NOT NULL
) PARTITION BY RANGE (id);

-- What was seen, for ever: a partitioned table can have no unique key without its partition's.
CREATE TABLE notification_keys (
    source_id       TEXT COLLATE "C" NOT NULL,
    dedupe_key      TEXT COLLATE "C" NOT NULL,
    notification_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source_id, dedupe_key)
);

-- Notifications that wait: to be recorded (pending), or for the gateway's word (needs_fetch). A leased one is due when its lease ends.
-- (The primary key comes last: while the table is empty all indexes cost the planner the same, and it takes the newest.)
CREATE TABLE notification_queue (
    notification_id TEXT COLLATE "C" NOT NULL,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'needs_fetch')),
    leased          BOOLEAN NOT NULL,
    reason          TEXT NOT NULL DEFAULT '',
    event           TEXT NOT NULL DEFAULT '',
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    wanted_no       INTEGER NOT NULL DEFAULT 1,
    due_at_ms       BIGINT NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX notification_queue_due ON notification_queue (state, due_at_ms) WHERE NOT leased;
CREATE INDEX notification_queue_leased ON notification_queue (due_at_ms) WHERE leased;
ALTER TABLE notification_queue ADD PRIMARY KEY (notification_id);

-- What became of those that wait no more.
CREATE TABLE notification_ends (
    notification_id TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('recorded', 'unmapped', 'parked', 'fetched')),
    reason          TEXT NOT NULL,
    event           TEXT NOT NULL,
    attempt_count   INTEGER NOT NULL,
    wanted_no       INTEGER NOT NULL,
    finished_at_ms  BIGINT NOT NULL
) PARTITION BY RANGE (notification_id);

CREATE VIEW notification_states AS
SELECT notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no, due_at_ms,
       NULL::bigint AS finished_at_ms FROM notification_queue
UNION ALL
SELECT notification_id, organisation_id, source_id, state, reason, event, attempt_count, wanted_no, NULL::bigint,
       finished_at_ms FROM notification_ends;

CREATE TABLE refusals (
    id              TEXT COLLATE "C" PRIMARY KEY,
    source_id       TEXT COLLATE "C" NOT NULL,
    organisation_id TEXT COLLATE "C" NOT NULL,
    refused_at_ms   BIGINT NOT NULL,
    reason          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    headers         TEXT NOT NULL,
    body            BYTEA NOT NULL
);
CREATE INDEX refusals_by_source ON refusals (source_id, id);

-- A grow-only set per payment: the digest is of the whole fact.
CREATE TABLE facts (
    payment_id      TEXT COLLATE "C" NOT NULL,
    digest          BYTEA NOT NULL,
    fact            BYTEA NOT NULL,
    notification_id TEXT COLLATE "C" NOT NULL,
    recorded_at_ms  BIGINT NOT NULL,
    PRIMARY KEY (payment_id, digest)
);

CREATE TABLE payments (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    organisation_id    TEXT COLLATE "C" NOT NULL,
    source_id          TEXT COLLATE "C" NOT NULL,
    gateway            TEXT NOT NULL,
    gateway_payment_id TEXT NOT NULL,
    livemode           SMALLINT NOT NULL CHECK (livemode IN (0, 1)),
    status             TEXT NOT NULL CHECK (status IN (
        'created', 'processing', 'requires_action', 'authorized', 'partially_captured', 'completed', 'partially_refunded',
        'refunded', 'disputed', 'charged_back', 'failed', 'canceled', 'expired')),
    order_id           TEXT NOT NULL,
    version            INTEGER NOT NULL,
    state              BYTEA NOT NULL,
    created_at_ms      BIGINT NOT NULL,
    updated_at_ms      BIGINT NOT NULL
);
CREATE UNIQUE INDEX payments_by_gateway ON payments (source_id, gateway_payment_id);
CREATE INDEX payments_by_organisation ON payments (organisation_id, id);
CREATE INDEX payments_by_order ON payments (organisation_id, order_id, id) WHERE order_id <> '';
CREATE INDEX payments_by_status ON payments (organisation_id, status, id);

CREATE TABLE applications (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    uid             TEXT NOT NULL,
    name            TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);
CREATE UNIQUE INDEX applications_uid ON applications (organisation_id, uid) WHERE uid <> '';

CREATE TABLE endpoints (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    application_id  TEXT COLLATE "C" NOT NULL REFERENCES applications (id),
    uid             TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    sealed          BYTEA NOT NULL,
    disabled        SMALLINT NOT NULL CHECK (disabled IN (0, 1)),
    disabled_reason TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);
CREATE UNIQUE INDEX endpoints_uid ON endpoints (application_id, uid) WHERE uid <> '';

CREATE TABLE event_types (
    organisation_id TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    description     TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, name)
);

CREATE TABLE messages (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    application_id  TEXT COLLATE "C" NOT NULL,
    event_type      TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    payload         BYTEA NOT NULL,
    payment_id      TEXT COLLATE "C" NOT NULL,
    created_at_ms   BIGINT NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX messages_by_application ON messages (application_id, id);
CREATE INDEX messages_by_payment ON messages (payment_id, id) WHERE payment_id <> '';

-- One message per event of an application.
CREATE TABLE message_keys (
    application_id TEXT COLLATE "C" NOT NULL,
    event_id       TEXT COLLATE "C" NOT NULL,
    message_id     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, event_id)
);

-- Deliveries that wait. A leased one is due when its lease ends.
CREATE TABLE delivery_queue (
    id               TEXT COLLATE "C" NOT NULL,
    message_id       TEXT COLLATE "C" NOT NULL,
    endpoint_id      TEXT COLLATE "C" NOT NULL,
    application_id   TEXT COLLATE "C" NOT NULL,
    organisation_id  TEXT COLLATE "C" NOT NULL,
    event_type       TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('due', 'leased')),
    attempt_count    INTEGER NOT NULL,
    lease_no         INTEGER NOT NULL,
    due_at_ms        BIGINT NOT NULL,
    created_at_ms    BIGINT NOT NULL,
    last_error       TEXT NOT NULL DEFAULT '',
    UNIQUE (message_id, endpoint_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX delivery_queue_due ON delivery_queue (endpoint_id, due_at_ms) WHERE state = 'due';
CREATE INDEX delivery_queue_leased ON delivery_queue (due_at_ms) WHERE state = 'leased';
ALTER TABLE delivery_queue ADD PRIMARY KEY (id);

-- Deliveries that ended.
CREATE TABLE delivery_ends (
    id               TEXT COLLATE "C" PRIMARY KEY,
    message_id       TEXT COLLATE "C" NOT NULL,
    endpoint_id      TEXT COLLATE "C" NOT NULL,
    application_id   TEXT COLLATE "C" NOT NULL,
    organisation_id  TEXT COLLATE "C" NOT NULL,
    event_type       TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('delivered', 'dead')),
    attempt_count    INTEGER NOT NULL,
    lease_no         INTEGER NOT NULL,
    created_at_ms    BIGINT NOT NULL,
    finished_at_ms   BIGINT NOT NULL,
    last_error       TEXT NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX delivery_ends_by_message ON delivery_ends (message_id, endpoint_id);

CREATE VIEW deliveries AS
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, due_at_ms,
       created_at_ms, NULL::bigint AS finished_at_ms, last_error FROM delivery_queue
UNION ALL
SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count, lease_no, NULL::bigint,
       created_at_ms, finished_at_ms, last_error FROM delivery_ends;

CREATE TABLE attempts (
    id              TEXT COLLATE "C" PRIMARY KEY,
    delivery_id     TEXT COLLATE "C" NOT NULL,
    message_id      TEXT COLLATE "C" NOT NULL,
    endpoint_id     TEXT COLLATE "C" NOT NULL,
    application_id  TEXT COLLATE "C" NOT NULL,
    organisation_id TEXT COLLATE "C" NOT NULL,
    attempt_no      INTEGER NOT NULL,
    delivered       SMALLINT NOT NULL CHECK (delivered IN (0, 1)),
    status_code     INTEGER NOT NULL,
    response        TEXT NOT NULL,
    error           TEXT NOT NULL,
    url             TEXT NOT NULL,
    started_at_ms   BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX attempts_by_message ON attempts (message_id, id);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_id, id);

-- Ids that lie outside every period that has a partition of its own.
CREATE TABLE notifications_other PARTITION OF notifications DEFAULT;
CREATE TABLE notification_ends_other PARTITION OF notification_ends DEFAULT;
CREATE TABLE messages_other PARTITION OF messages DEFAULT;
CREATE TABLE delivery_ends_other PARTITION OF delivery_ends DEFAULT;
CREATE TABLE attempts_other PARTITION OF attempts DEFAULT;

-- Rises with every change of a source or endpoint, so that whoever keeps them in memory sees that they changed.
CREATE TABLE directory (id INTEGER PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL);
INSERT INTO directory VALUES (1, 1);
CREATE FUNCTION directory_changed() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN UPDATE directory SET version = version + 1; RETURN NULL; END';
CREATE TRIGGER sources_changed AFTER INSERT OR UPDATE OR DELETE ON sources
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER endpoints_changed AFTER INSERT OR UPDATE OR DELETE ON endpoints
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
