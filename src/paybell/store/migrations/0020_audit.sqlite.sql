-- Who changed what: `objects` and `fields` are JSON lists of names.
CREATE TABLE audit (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    at_ms           INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    operation       TEXT NOT NULL,
    objects         TEXT NOT NULL,
    fields          TEXT NOT NULL,
    address         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_organisation ON audit (organisation_id, id);
