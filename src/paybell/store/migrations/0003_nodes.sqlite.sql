-- Nodes: the one process that serves from this file, as `paybell nodes` shows it.

CREATE TABLE nodes (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    roles         TEXT NOT NULL,
    version       TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    beat_no       INTEGER NOT NULL,
    beat_at_ms    INTEGER NOT NULL,
    clock_off_ms  INTEGER NOT NULL,
    figures       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE leader (id INTEGER PRIMARY KEY CHECK (id = 1), node_id TEXT NOT NULL, term INTEGER NOT NULL);
INSERT INTO leader VALUES (1, '', 0);

-- Something sealed under the key: a program with another key is refused at its start.
ALTER TABLE directory ADD COLUMN sealed BLOB;
