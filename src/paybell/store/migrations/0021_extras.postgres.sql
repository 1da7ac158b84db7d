-- What hardly any message has: tags (each between ends of lines), when it is sent, and when its payload is taken away.
CREATE TABLE message_extras (
    message_id         TEXT COLLATE "C" PRIMARY KEY,
    organisation_id    TEXT COLLATE "C" NOT NULL,
    application_id     TEXT COLLATE "C" NOT NULL,
    tags               TEXT NOT NULL,
    deliver_at_ms      BIGINT NOT NULL,
    payload_ends_at_ms BIGINT NOT NULL
);
CREATE INDEX message_extras_ends ON message_extras (payload_ends_at_ms) WHERE payload_ends_at_ms > 0;
