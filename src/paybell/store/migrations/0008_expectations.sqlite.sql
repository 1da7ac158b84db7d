-- What merchants said that orders should pay. Rows are only ever added; the newest of an order counts.
CREATE TABLE expectations (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    order_id        TEXT NOT NULL,
    amount_minor    INTEGER NOT NULL CHECK (amount_minor > 0),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    created_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX expectations_by_order ON expectations (organisation_id, order_id, id);
CREATE INDEX expectations_by_organisation ON expectations (organisation_id, id);
