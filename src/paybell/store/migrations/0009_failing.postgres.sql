-- Endpoints of which every attempt has failed since a time; whoever takes one is not among them any more.
CREATE TABLE failing_endpoints (
    endpoint_id TEXT COLLATE "C" PRIMARY KEY,
    since_ms    BIGINT NOT NULL
);
