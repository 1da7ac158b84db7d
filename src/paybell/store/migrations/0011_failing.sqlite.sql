-- Endpoints of which every attempt has failed since a time; whoever takes one is not among them any more.
CREATE TABLE failing_endpoints (
    endpoint_id TEXT PRIMARY KEY,
    since_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
