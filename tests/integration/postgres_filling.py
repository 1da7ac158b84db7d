"""History with a few waiting, as a database that is used has, in several partitions and in the one for other ids."""

PARTITION_ROWS = 4000
PARTITIONED = {
    "notifications": "ntf",
    "notification_ends": "ntf",
    "messages": "msg",
    "delivery_ends": "dlv",
    "attempts": "atm",
}

PARTITIONS = "".join(
    f"CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES"
    f" FROM ('{prefix}_{number * PARTITION_ROWS:08d}') TO ('{prefix}_{(number + 1) * PARTITION_ROWS:08d}');\n"
    for table, prefix in PARTITIONED.items()
    for number in range(4)
)
FILLING = """
INSERT INTO organisations VALUES ('org_1','default',1);
INSERT INTO applications SELECT 'app_' || i, 'org_1', '', 'n', 1, 1 FROM generate_series(0, 39) i;
INSERT INTO sources SELECT 'src_' || i, 'org_1', 'u' || i, 'stripe', 1, ''::bytea, 1, 1 FROM generate_series(0, 2) i;
INSERT INTO endpoints SELECT 'ep_' || i, 'org_1', 'app_' || i % 40, '', 'u', '', '', ''::bytea, 0, '', 1, 1
       FROM generate_series(0, 200) i;
INSERT INTO api_keys SELECT 'key_' || i, 'org_1', 'n', i::text::bytea, 1 FROM generate_series(0, 200) i;
CREATE TEMP TABLE n AS SELECT i, lpad(i::text, 8, '0') AS k FROM generate_series(1, 20000) i;
INSERT INTO notifications SELECT 'ntf_' || k, 'src_' || i % 3, 'org_1', 'k' || k, 'webhook', 0, i, '[]',
       decode(repeat('00', 500), 'hex') FROM n;
INSERT INTO notification_keys SELECT 'src_' || i % 3, 'k' || k, 'ntf_' || k FROM n;
INSERT INTO notification_ends SELECT 'ntf_' || k, 'org_1', 'src_' || i % 3, 'recorded', '', '', 1, 1, i
       FROM n WHERE i % 200 <> 0;
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, due_at_ms)
SELECT 'ntf_' || k, 'org_1', 'src_' || i % 3, CASE WHEN i % 400 = 0 THEN 'pending' ELSE 'needs_fetch' END,
       i % 600 = 0, i FROM n WHERE i % 200 = 0;
INSERT INTO refusals SELECT 'ref_' || k, 'src_' || i % 3, 'org_1', i, 'signature', '', '', '' FROM n WHERE i % 10 = 0;
INSERT INTO payments SELECT 'pay_' || k, 'org_' || i % 5, 'src_' || i % 3, 'stripe', 'pi_' || k, 1,
       CASE WHEN i % 5 = 0 THEN 'completed' ELSE 'failed' END, 'ord_' || k, 1, '', i, i FROM n;
INSERT INTO facts SELECT 'pay_' || lpad((i / 2)::text, 8, '0'), k::bytea, '', 'ntf_' || k, i FROM n;
INSERT INTO messages SELECT 'msg_' || k, 'org_1', 'app_' || i % 40, 't', 'e' || k, decode(repeat('00', 500),
       'hex'), 'pay_' || k, i FROM n;
INSERT INTO message_keys SELECT 'app_' || i % 40, 'e' || k, 'msg_' || k FROM n;
INSERT INTO delivery_ends SELECT 'dlv_' || k, 'msg_' || k, 'ep_' || i % 70, 'app_' || i % 40, 'org_1', 't',
       'delivered', 1, 1, i, i, '' FROM n WHERE i % 200 <> 0;
INSERT INTO delivery_queue SELECT 'dlv_' || k, 'msg_' || k, 'ep_' || i % 70, 'app_' || i % 40, 'org_1', 't',
       CASE WHEN i % 600 = 0 THEN 'leased' ELSE 'due' END, 1, 1, i, i, '' FROM n WHERE i % 200 = 0;
INSERT INTO attempts SELECT 'atm_' || k, 'dlv_' || k, 'msg_' || k, 'ep_' || i % 70, 'app_' || i % 40, 'org_1', 1,
       1, 200, '', '', 'u', i, 1 FROM n;
DROP TABLE n;
"""
