-- What was seen stays known when its notification has been kept long enough, so that it is a duplicate for ever.
CREATE TABLE notification_keys (
    source_id       TEXT NOT NULL,
    dedupe_key      TEXT NOT NULL,
    notification_id TEXT NOT NULL,
    PRIMARY KEY (source_id, dedupe_key)
) WITHOUT ROWID;
