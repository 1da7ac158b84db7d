-- Who changed what: `objects` and `fields` are JSON lists of names.
CREATE TABLE audit (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    at_ms           BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    operation       TEXT NOT NULL,
    objects         TEXT NOT NULL,
    fields          TEXT NOT NULL,
    address         TEXT NOT NULL
);
CREATE INDEX audit_by_organisation ON audit (organisation_id, id);
