-- Deliveries that wait their turn: only the first of each line is due at a known time.
CREATE TABLE delivery_lines (
    delivery_id TEXT COLLATE "C" PRIMARY KEY,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    order_key   TEXT COLLATE "C" NOT NULL,
    place       BIGINT NOT NULL,
    UNIQUE (endpoint_id, order_key, place)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
