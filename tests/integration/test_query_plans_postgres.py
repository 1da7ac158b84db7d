"""Hot queries keep their index: no scan of a table that grows and no sort of history, whatever the statistics say.

Statements are prepared once and stay: a plan that was made while a queue was empty serves when a million rows wait. So
each is looked at in a database that is fresh, in one with history, and in one whose queues were emptied and vacuumed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from paybell.store.named import migrations
from paybell.store.postgres.database import Database, Session, numbered
from tests.integration.postgres_filling import FILLING, PARTITIONS
from tests.postgres import server

INDEXES_OF = {
    # claims: the queues' own indexes, and what is sent along by its primary key
    "notification_claim": {"notification_queue_due", "notification_queue_pkey", "notifications_pkey"},
    "notification_sweep": {"notification_queue_leased", "notification_queue_pkey"},
    "delivery_sweep": {"delivery_queue_leased", "delivery_queue_pkey"},
    "delivery_waiting": {"delivery_queue_due", "delivery_queue_leased"},
    "delivery_claim": {
        *("delivery_queue_due", "delivery_queue_first", "delivery_queue_pkey", "messages_pkey", "delivery_lines_pkey"),
    },
    "line_lock": set(),
    "line_of_message": {"delivery_queue_message_id_endpoint_id_key", "delivery_lines_pkey"},
    "line_join": {"delivery_lines_endpoint_id_order_key_place_key"},
    "line_leave": {"delivery_lines_pkey"},
    "line_release": {"message_extras_pkey", "delivery_lines_endpoint_id_order_key_place_key", "delivery_queue_pkey"},
    "line_close": {"delivery_lines_endpoint_id_order_key_place_key"},
    "endpoint_state_lock": {"endpoint_states_pkey"},
    "endpoint_state_get": {"endpoint_states_pkey"},
    "endpoint_probe": {"endpoint_states_pkey"},
    "delivery_waiting_count": {"delivery_queue_due"},
    "endpoint_recover": {"endpoint_states_pkey"},
    "turn_take": set(),
    "turn_forget": {"send_turns_pkey"},
    "delivery_release": {"delivery_queue_pkey"},
    "delivery_abandon": {"delivery_queue_pkey"},
    "attempt_append": {"delivery_queue_pkey"},
    # appending and recording
    "notification_append": set(),
    "notification_first": {"notification_keys_pkey"},
    "hint_reopen": {"notification_queue_pkey", "notification_ends_pkey"},
    "fetch_settle": {"notification_queue_pkey"},
    "fetch_postpone": {"notification_queue_pkey"},
    "fetch_again": {"notification_queue_pkey"},
    "notification_lock": {"notification_queue_pkey"},
    "notification_finish": {"notification_queue_pkey"},
    "payment_known": {"payments_by_gateway", "aliases_pkey", "merged_payments_pkey", "payments_pkey"},
    "fact_known": {"facts_pkey"},
    "expectation_known": {"expectations_by_order"},
    "expectation_payments": {"payments_by_order"},
    "fact_insert": set(),
    "payment_upsert": set(),
    "message_insert": set(),
    "message_post": set(),
    "answer_get": {"message_extras_pkey", "kept_answers_pkey", "messages_pkey"},
    "answer_withdraw": {"kept_answers_pkey"},
    "delivery_insert": set(),
    "refusal_trim": {"refusals_by_source"},
    # look-ups
    "notification_get": {"notifications_pkey", "notification_queue_pkey", "notification_ends_pkey"},
    "notification_replay": {"notification_ends_pkey"},
    "payment_get": {"merged_payments_pkey"},
    "message_lookup": {"message_extras_pkey", "messages_pkey", "message_keys_pkey"},
    "message_list": {"message_extras_pkey", "messages_pkey"},
    "api_key_find": {"api_keys_key_hash_key"},
    "attempt_get": {"attempts_pkey"},
    "delivery_of_message": {"delivery_queue_message_id_endpoint_id_key", "delivery_ends_by_message"},
    "delivery_resend": {"delivery_queue_message_id_endpoint_id_key", "delivery_ends_by_message"},
    "timeline_facts": {"facts_pkey"},
    "timeline_notifications": {
        *("facts_pkey", "mentions_pkey", "notifications_pkey", "notification_queue_pkey", "notification_ends_pkey"),
    },
    "timeline_silences": {"silences_pkey"},
    "account_item_known": {"account_items_by_gateway"},
    "account_item_page": {"account_items_by_organisation"},
    "grant_known": {"grants_by_customer"},
    "entitlement_known": {"entitlements_by_customer"},
    "entitlement_due": {"entitlements_due"},
    "entitlement_page": {"entitlements_by_organisation"},
    "entitlement_of_customer": {"entitlements_by_customer", "entitlements_by_email", "entitlements_by_user"},
    "timeline_messages": {"messages_by_payment"},
    # pages
    "notification_page": {"notifications_pkey", "notification_queue_pkey", "notification_ends_pkey"},
    "refusal_page": {"refusals_pkey"},
    "payment_page_all": {"payments_by_organisation"},
    "payment_page_by_status": {"payments_by_status"},
    "payment_page_by_order": {"payments_by_order"},
    "payment_page_by_gateway": {"payments_by_gateway", "aliases_pkey", "merged_payments_pkey", "payments_pkey"},
    "posting_page_of_payment": {
        "postings_payment_id_kind_ref_no_line_no_reversal_key",
        "merged_payments_pkey",
        "merged_payments_by_survivor",
    },
    "expectation_page": {"expectations_by_organisation"},
    "expectation_page_by_order": {"expectations_by_order"},
    "merge_same_facts": {"facts_pkey"},
    "merge_list": {"merged_payments_by_survivor"},
    "merge_facts": {"facts_pkey"},
    "merge_earlier": {"merged_payments_by_survivor"},
    "merge_payment": {"payments_pkey"},
    "message_page": {"message_extras_pkey", "messages_by_application"},
    "poll_new": {"messages_by_application", "poll_numbers_application_id_message_id_key"},
    "poll_read": {"message_extras_pkey", "poll_numbers_pkey", "messages_pkey"},
    "delivery_page": {"delivery_queue_pkey", "delivery_ends_pkey"},
    "delivery_page_of_message": {"delivery_queue_message_id_endpoint_id_key", "delivery_ends_by_message"},
    "dead_letter_page": {"delivery_ends_dead"},
    "dead_letter_page_of_endpoint": {"delivery_ends_dead_by_endpoint"},
    "dead_letter_count": {"delivery_ends_dead"},
    "dead_letter_count_of_endpoint": {"delivery_ends_dead_by_endpoint"},
    "task_look_dead": {"delivery_ends_dead_by_message", "message_extras_pkey", "messages_pkey"},
    "attempt_page_of_message": {"message_extras_pkey", "attempts_by_message", "messages_pkey"},
    "attempt_page_of_endpoint": {"message_extras_pkey", "attempts_by_endpoint", "messages_pkey"},
    "message_page_of_endpoint": {
        "message_extras_pkey",
        "messages_by_application",
        "delivery_queue_message_id_endpoint_id_key",
        "delivery_ends_by_message",
    },
}
FEW = {"sources", "directory"}
"""What people set up by hand: reading all of it costs nothing."""
ALSO = {
    "payment_get": {"payments_pkey", "payments_by_organisation", "payments_by_status"},
    "payment_page_by_gateway": {"sources_pkey", "sources_organisation_id_uid_key"},
    "message_lookup": {"messages_by_application"},
    "refusal_trim": {"refusals_pkey"},
}
"""Indexes that serve as well."""
MAY_SORT = {
    *(
        "notification_claim",
        "delivery_claim",
        "turn_take",
        "line_lock",
        "line_join",
        "notification_append",
        "message_insert",
        "message_post",
        "notification_lock",
    ),  # one group
    "delivery_waiting",  # the endpoints that are known
    *("dead_letter_count", "dead_letter_count_of_endpoint"),  # counted by reason
    *("message_lookup", "delivery_page_of_message", "payment_page_by_gateway"),  # one name's
    "entitlement_of_customer",  # one customer's
    *("timeline_facts", "timeline_notifications", "posting_page_of_payment", "merge_list"),  # one payment's
}
VALUES = {"text": "'~'", "int4": "1", "int8": "1", "bytea": "''", "bool": "true"}
Plan = Mapping[str, Any]
Plans = Mapping[str, Plan]


@asynccontextmanager
async def filled(state: str) -> AsyncIterator[Session]:
    """The store's own kind of connection to a database in that state."""
    database = Database(server().new_database())
    await database.open()
    try:
        async with database.session() as session:
            for _, script in migrations("postgres"):
                await session.run(script)
            await session.run(PARTITIONS)
            if state in {"filled", "drained"}:
                await session.run(FILLING)
            if state == "drained":
                await session.run("DELETE FROM notification_queue; DELETE FROM delivery_queue")
            if state != "fresh":
                await session.run("VACUUM ANALYZE")
            yield session
    finally:
        await database.close()


async def explained(session: Session, name: str) -> Plan:
    """The generic plan. (The values only choose partitions: '~' leaves the one of ids that are in no period.)"""
    query, _ = numbered(session._sql[name])
    types = [it.name for it in (await session.connection.prepare(query)).get_parameters()]
    values = ", ".join(VALUES.get(it, "'{}'") for it in types)
    await session.run(f"PREPARE asked AS {query}")
    ((text,),) = await session.connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE asked{f'({values})' if values else ''}")
    await session.run("DEALLOCATE asked")
    plan: Plan = json.loads(text)[0]["Plan"]
    return plan


@pytest.fixture(params=["fresh", "filled", "drained"], scope="module")
def plans(request: pytest.FixtureRequest) -> Plans:
    async def all_plans() -> Plans:
        async with filled(request.param) as session:
            parents = await session.connection.fetch(
                "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits"
            )
            parent = dict(parents)
            return {name: with_parents(await explained(session, name), parent) for name in INDEXES_OF}

    return asyncio.run(all_plans())


def with_parents(plan: Plan, parent: Mapping[str, str]) -> Plan:
    """The plan with partitions and their indexes under the names of what they are parts of."""
    names = {key: parent.get(plan[key], plan[key]) for key in ("Relation Name", "Index Name") if key in plan}
    return {**plan, **names, "Plans": [with_parents(it, parent) for it in plan.get("Plans", [])]}


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan["Plans"]:
        yield from nodes(inner)


def shown(plan: Plan, depth: int = 0) -> str:
    told = [
        plan["Node Type"],
        *(str(plan[key]) for key in ("Relation Name", "Index Name", "Index Cond") if key in plan),
    ]
    return "\n".join(["  " * depth + " ".join(told), *(shown(it, depth + 1) for it in plan["Plans"])])


@pytest.mark.parametrize("name", INDEXES_OF)
def test_a_hot_query_goes_by_its_indexes_alone(plans: Plans, name: str) -> None:
    found = list(nodes(plans[name]))
    text = shown(plans[name])
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    assert indexes >= INDEXES_OF[name], text
    assert indexes <= INDEXES_OF[name] | ALSO.get(name, set()), text
    for node in found:
        assert node["Node Type"] not in {"Hash Join", "Merge Join", "Bitmap Heap Scan"}, text
        if node["Node Type"] == "Seq Scan":
            assert node["Relation Name"] in FEW, text
        if "Index Name" in node:
            assert "Index Cond" in node, f"all of an index is read:\n{text}"


@pytest.mark.parametrize("name", [name for name in INDEXES_OF if name not in MAY_SORT])
def test_what_could_be_much_is_not_sorted(plans: Plans, name: str) -> None:
    sorts = [node for node in nodes(plans[name]) if node["Node Type"] in {"Sort", "Incremental Sort"}]
    assert not sorts, shown(plans[name])
