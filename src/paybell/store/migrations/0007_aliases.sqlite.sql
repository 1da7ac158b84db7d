-- A gateway's further ids of its payments, and payments that turned out to be others.
-- Aliases are only ever added. One may lead to a payment that was merged since: then to what that became.
CREATE TABLE aliases (
    source_id  TEXT NOT NULL,
    alias      TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    PRIMARY KEY (source_id, alias)
) STRICT, WITHOUT ROWID;

-- `merged_into` is always one that stands in `payments`.
CREATE TABLE merged_payments (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    merged_into     TEXT NOT NULL,
    merged_at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX merged_payments_by_survivor ON merged_payments (merged_into);
