-- A gateway's further ids of its payments, and payments that turned out to be others.
-- Aliases are only ever added. One may lead to a payment that was merged since: then to what that became.
CREATE TABLE aliases (
    source_id  TEXT COLLATE "C" NOT NULL,
    alias      TEXT COLLATE "C" NOT NULL,
    payment_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source_id, alias)
);

-- `merged_into` is always one that stands in `payments`.
CREATE TABLE merged_payments (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organisation_id TEXT COLLATE "C" NOT NULL,
    source_id       TEXT COLLATE "C" NOT NULL,
    merged_into     TEXT COLLATE "C" NOT NULL,
    merged_at_ms    BIGINT NOT NULL
);
CREATE INDEX merged_payments_by_survivor ON merged_payments (merged_into);
