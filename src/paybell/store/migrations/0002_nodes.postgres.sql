-- Nodes: who is alive, who leads, and whose each lease is, so that a dead node's work passes on at once.

-- `beat_at_ms` is this database's time; `clock_off_ms` is how far the node's own clock was ahead of it.
CREATE TABLE nodes (
    id            TEXT COLLATE "C" PRIMARY KEY,
    no            BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    name          TEXT NOT NULL,
    roles         TEXT NOT NULL,
    version       TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    beat_no       BIGINT NOT NULL,
    beat_at_ms    BIGINT NOT NULL,
    clock_off_ms  BIGINT NOT NULL,
    figures       TEXT NOT NULL
) WITH (fillfactor = 50);

-- The one node that keeps house; the term rises with every beat of it and with every change of hands.
CREATE TABLE leader (id INTEGER PRIMARY KEY CHECK (id = 1), node_id TEXT COLLATE "C" NOT NULL, term BIGINT NOT NULL)
    WITH (fillfactor = 10);
INSERT INTO leader VALUES (1, '', 0);

-- Whose lease it is (nodes.no), 0 for nobody's.
ALTER TABLE notification_queue ADD COLUMN node_no BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_queue ADD COLUMN node_no BIGINT NOT NULL DEFAULT 0;

-- Something sealed under the key that all nodes share: one with another key is refused at its start.
ALTER TABLE directory ADD COLUMN sealed BYTEA;
