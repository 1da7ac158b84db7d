"""Hot queries keep their index: no scan and no sort of a table that grows, with statistics and without."""

import re
from collections.abc import Iterator

import apsw
import pytest

from paybell.store.named import migrations, queries

SQL = queries("sqlite")
INDEX_OF = {
    "notification_due": ("notification_states_due",),
    "notification_by_dedupe": ("notifications_dedupe",),
    "notification_state_get": ("sqlite_autoindex_notification_states_1",),
    "notification_lease": ("sqlite_autoindex_notification_states_1",),
    "notification_finish": ("sqlite_autoindex_notification_states_1",),
    "notification_get": ("sqlite_autoindex_notifications_1", "sqlite_autoindex_notification_states_1"),
    "payment_by_gateway": ("payments_by_gateway",),
    "alias_get": ("USING PRIMARY KEY",),
    "payment_standing": ("sqlite_autoindex_payments_1", "USING PRIMARY KEY"),
    "payment_get": ("sqlite_autoindex_payments_1",),
    "payment_page_all": ("payments_by_organisation",),
    "payment_page_by_status": ("payments_by_status",),
    "payment_page_by_order": ("payments_by_order",),
    "payment_page_by_gateway": ("payments_by_gateway",),
    "posting_page_of_payment": ("sqlite_autoindex_postings_2", "merged_payments_by_survivor"),
    "posting_list": ("sqlite_autoindex_postings_2",),
    "expectation_list": ("expectations_by_order",),
    "expectation_page": ("expectations_by_organisation",),
    "expectation_page_by_order": ("expectations_by_order",),
    "expectation_payments": ("payments_by_order",),
    "merge_list": ("merged_payments_by_survivor",),
    "merge_earlier": ("merged_payments_by_survivor",),
    "merge_facts": ("PRIMARY KEY",),
    "fact_list": ("PRIMARY KEY",),
    "timeline_messages": ("messages_by_payment",),
    "message_lookup": ("sqlite_autoindex_messages_1", "messages_event"),
    "message_list": ("sqlite_autoindex_messages_1",),
    "message_page": ("messages_by_application",),
    "poll_new": ("messages_by_application", "sqlite_autoindex_poll_numbers_2"),
    "poll_read": ("USING PRIMARY KEY", "sqlite_autoindex_messages_1"),
    "message_page_of_endpoint": ("messages_by_application", "deliveries_once"),
    "delivery_count_of": ("messages_by_application", "deliveries_once"),
    "delivery_waiting": ("deliveries_due ((endpoint_id,is_retry)>(?,?))", "USING INTEGER PRIMARY KEY"),
    "delivery_due": ("deliveries_due (endpoint_id=? AND is_retry=? AND due_at_ms<?)", "sqlite_autoindex_messages_1"),
    "endpoint_state_get": ("PRIMARY KEY",),
    "endpoint_recover": ("PRIMARY KEY",),
    "endpoint_probe": ("PRIMARY KEY",),
    "delivery_waiting_count": ("deliveries_due",),
    "turn_forget": ("PRIMARY KEY",),
    "line_join": ("delivery_lines",),
    "line_leave": ("PRIMARY KEY",),
    "line_release": ("sqlite_autoindex_deliveries_1", "sqlite_autoindex_delivery_lines_2"),
    "line_close": ("sqlite_autoindex_delivery_lines_2",),
    "delivery_lease": ("INTEGER PRIMARY KEY",),
    "delivery_finish": ("sqlite_autoindex_deliveries_1",),
    "delivery_of_message": ("deliveries_once",),
    "delivery_resend": ("deliveries_once",),
    "delivery_page_of_message": ("deliveries_once",),
    "delivery_end_of_endpoint": ("deliveries_due",),
    "attempt_page_of_message": ("attempts_by_message",),
    "attempt_page_of_endpoint": ("attempts_by_endpoint",),
    "attempt_count_of": ("attempts_by_endpoint",),
    "attempt_get": ("sqlite_autoindex_attempts_1",),
    "dead_letter_page": ("deliveries_dead ",),
    "dead_letter_page_of_endpoint": ("deliveries_dead_by_endpoint",),
    "dead_letter_count": ("deliveries_dead ",),
    "dead_letter_count_of_endpoint": ("deliveries_dead_by_endpoint",),
    "task_look_dead": ("deliveries_dead_by_message", "sqlite_autoindex_messages_1"),
    "task_look": ("messages_by_application", "deliveries_once", "attempts_by_message", "messages_event"),
    "task_claim": ("tasks_due",),
    "task_resend": ("sqlite_autoindex_deliveries_1",),
    "task_page": ("tasks_by_organisation",),
    "api_key_find": ("sqlite_autoindex_api_keys_2",),
}
MAY_SORT = {
    *("delivery_count_of", "attempt_count_of"),  # counted by state
    "delivery_waiting",  # one row for each endpoint
    *("dead_letter_count", "dead_letter_count_of_endpoint"),  # counted by reason
    *("delivery_page_of_message", "message_lookup", "payment_page_by_gateway", "posting_page_of_payment", "merge_list"),
}
"""What one message, payment or name has is few: sorting or merging it costs nothing."""
OF_FEW = re.compile(r"SCAN (found|walk|CONSTANT ROW)( VIRTUAL TABLE INDEX .*)?$", re.MULTILINE)
"""Reading what the query itself has just found."""


@pytest.fixture(params=["fresh", "analyzed"], scope="module")
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    opened = apsw.Connection(":memory:")
    for _, script in migrations("sqlite"):
        opened.execute(script)
    if request.param == "analyzed":
        opened.execute(FILLING)
    yield opened
    opened.close()


FILLING = """
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n;
INSERT INTO notifications SELECT 'ntf_' || i, 'src_' || i % 3, 'org_1', 'k' || i, 'webhook', 0, i, '[]', x'00' FROM n;
INSERT INTO notification_states (notification_id, organisation_id, source_id, state, due_at_ms)
SELECT 'ntf_' || i, 'org_1', 'src_' || i % 3, iif(i % 100, 'recorded', 'pending'), iif(i % 100, NULL, i) FROM n;
INSERT INTO payments SELECT 'pay_' || i, 'org_1', 'src_' || i % 3, 'stripe', 'pi_' || i, 1,
       iif(i % 5, 'completed', 'failed'), 'ord_' || i, 1, x'00', i, i FROM n;
INSERT INTO facts SELECT 'pay_' || i / 2, CAST(i AS BLOB), x'00', 'ntf_' || i, i FROM n;
INSERT INTO messages SELECT 'msg_' || i, 'org_1', 'app_' || i % 4, 't', 'e' || i, x'00', 'pay_' || i, i, '', '' FROM n;
INSERT INTO deliveries SELECT 'dlv_' || i, 'msg_' || i, 'ep_' || i % 7, 'app_' || i % 4, 'org_1', 't',
       CASE i % 50 WHEN 0 THEN 'due' WHEN 1 THEN 'dead' ELSE 'delivered' END, 1, 1, iif(i % 50, NULL, i), i, i, '',
       NULL, iif(i % 50 = 1, 'exhausted', '') FROM n;
INSERT INTO attempts SELECT 'a_' || i, 'dlv_' || i, 'msg_' || i, 'ep_' || i % 7, 'app_' || i % 4,
       'org_1', 1, 1, 200, '', '', 'u', i, 1, 0 FROM n;
ANALYZE;
"""
"""History with a few waiting, as a database that is used has."""


def plan_of(opened: apsw.Connection, name: str) -> list[str]:
    query = SQL[name]
    named = dict.fromkeys(re.findall(r":([a-z_]+)", query), "x")
    values: object = named or ("x",) * max((int(it) for it in re.findall(r"\$(\d+)", query)), default=0)
    return [str(row[3]) for row in opened.execute("EXPLAIN QUERY PLAN " + query, values)]


@pytest.mark.parametrize("name", sorted(INDEX_OF))
def test_a_hot_query_uses_its_index(connection: apsw.Connection, name: str) -> None:
    plan = plan_of(connection, name)
    text = "\n".join(plan)
    assert "SCAN" not in OF_FEW.sub("", text), text
    for index in INDEX_OF[name]:
        assert index in text, text
    if name not in MAY_SORT:
        assert "TEMP B-TREE" not in text, text


@pytest.mark.parametrize("attempt_count", [0, 1])
def test_to_know_who_waits_reads_the_first_of_each_and_no_more(connection: apsw.Connection, attempt_count: int) -> None:
    """A plan does not tell: a search that begins one row too early reads all that are alike."""
    steps: list[int] = []
    connection.execute("SAVEPOINT filled; DELETE FROM deliveries")
    connection.execute(WAITING, (attempt_count,))
    connection.set_progress_handler(lambda: bool(steps.append(1)), 100)
    found = connection.execute(SQL["delivery_waiting"]).fetchall()
    connection.set_progress_handler(None)
    connection.execute("ROLLBACK TO filled; RELEASE filled")
    assert found == [("ep_a", 1), ("ep_b", 2)]
    assert len(steps) < 5, "hundreds of steps for two endpoints"


WAITING = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO deliveries
SELECT 'dlv_' || i, 'msg_' || i, iif(i % 2, 'ep_a', 'ep_b'), 'app_1', 'org_1', 't', 'due', ?, 1, i, i, NULL, '',
       NULL, ''
  FROM n
"""
