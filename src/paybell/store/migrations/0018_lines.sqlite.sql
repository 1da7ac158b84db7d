-- Deliveries that wait their turn: only the first of each line is due at a known time.
CREATE TABLE delivery_lines (
    delivery_id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    order_key   TEXT NOT NULL,
    place       INTEGER NOT NULL,
    UNIQUE (endpoint_id, order_key, place)
) STRICT, WITHOUT ROWID;
