-- What is polled: each application's messages by the number that they got when they were first seen, and who has read how far.
CREATE TABLE poll_heads (
    application_id TEXT COLLATE "C" PRIMARY KEY,
    last_no        BIGINT NOT NULL,
    last_id        TEXT COLLATE "C" NOT NULL,
    wide_at_ms     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE poll_numbers (
    application_id TEXT COLLATE "C" NOT NULL,
    no             BIGINT NOT NULL,
    message_id     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, no),
    UNIQUE (application_id, message_id)
);

CREATE TABLE poll_consumers (
    endpoint_id    TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    position_no    BIGINT NOT NULL,
    after_id       TEXT COLLATE "C" NOT NULL,
    updated_at_ms  BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, name)
);
