-- What is polled: each application's messages by the number that they got when they were first seen, and who has read how far.
CREATE TABLE poll_heads (
    application_id TEXT PRIMARY KEY,
    last_no        INTEGER NOT NULL,
    last_id        TEXT NOT NULL,
    wide_at_ms     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE poll_numbers (
    application_id TEXT NOT NULL,
    no             INTEGER NOT NULL,
    message_id     TEXT NOT NULL,
    PRIMARY KEY (application_id, no),
    UNIQUE (application_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE poll_consumers (
    endpoint_id    TEXT NOT NULL,
    name           TEXT NOT NULL,
    position_no    INTEGER NOT NULL,
    after_id       TEXT NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, name)
) STRICT, WITHOUT ROWID;
