-- Errands: tasks of an organisation or an application that send nothing and have a result.
-- (A CHECK is changed by a new table.)
ALTER TABLE tasks RENAME TO tasks_before;
DROP INDEX tasks_due;
DROP INDEX tasks_by_organisation;
CREATE TABLE tasks (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    endpoint_id     TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('endpoint.recover', 'endpoint.replay', 'endpoint.bulk-replay',
                                                  'application.stats', 'event-type.aggregate', 'application.purge_content')),
    asked           TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed', 'canceled')),
    reason          TEXT NOT NULL,
    cursor          TEXT NOT NULL,
    found           INTEGER NOT NULL,
    done            INTEGER NOT NULL,
    skipped         INTEGER NOT NULL,
    lease_no        INTEGER NOT NULL,
    due_at_ms       INTEGER,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    finished_at_ms  INTEGER,
    result          TEXT NOT NULL
) STRICT;
-- While leased, `due_at_ms` is when the lease ends.
CREATE INDEX tasks_due ON tasks (due_at_ms) WHERE state = 'running';
CREATE INDEX tasks_by_organisation ON tasks (organisation_id, id);
INSERT INTO tasks SELECT *, '' FROM tasks_before;
DROP TABLE tasks_before;
