"""Bugs that others made, as changes of our source, and for each the test that catches it."""

from typing import Final

from msgspec import Struct


class Bug(Struct, frozen=True):
    """``old``, which stands once in ``file`` (under ``src/paybell``), becomes ``new``; ``test`` must fail then."""

    file: str
    old: str
    new: str
    test: str


KILLS: Final = (
    "tests/acceptance/test_kill_posts.py::test_what_is_posted_is_delivered_once_in_order_whenever_the_server_is_killed"
    "[sqlite-3]"
)
BUGS: Final = {
    # ---- trust
    "dedupe on an unsigned header": Bug(
        "gateways/razorpay/__init__.py",
        "return Verified(body_key(request.body))",
        'return Verified((request.header(b"x-razorpay-event-id") or body_key(request.body).encode()).decode())',
        "tests/contract/test_gateway_contract.py::test_captured_and_sent_again_it_is_known_whatever_its_unsigned_headers_say"
        "[razorpay-payment.authorized]",
    ),
    "verification off when no secret is set": Bug(
        "gateways/kit/base.py",
        "        refused = self.unfit(request, source)\n        if refused:\n",
        "        refused = self.unfit(request, source)\n        if refused and source.secrets:\n",
        "tests/contract/test_gateway_contract.py::test_every_live_secret_verifies_and_none_means_refused[stripe]",
    ),
    "a signature is compared as far as it goes": Bug(
        "gateways/kit/methods.py",
        "        expected = self.expected(secret, signed)\n"
        "        return expected is not None and hmac.compare_digest(expected, given)\n\n\nclass Hash(",
        "        expected = self.expected(secret, signed)\n"
        "        return expected is not None and expected.startswith(given)\n\n\nclass Hash(",
        "tests/contract/test_gateway_contract.py::test_a_hostile_signature_is_refused",
    ),
    "any currency is taken for one with two digits": Bug(
        "model/money.py",
        "    scaled = number.scaleb(exponent(currency))\n    whole = int(scaled)\n    if scaled != whole:\n",
        "    whole = int(float(number) * 100)\n    if False:\n",
        "tests/unit/test_money.py",
    ),
    # ---- the truth
    "the last word decides the status": Bug(
        "record/projection.py",
        "    if totals.captured > 0:\n        return _status_of_captured(totals)\n",
        "    if totals.captured > 0 and Kind.FAILED not in by_kind:\n        return _status_of_captured(totals)\n",
        "tests/unit/test_projection.py",
    ),
    "a refund is counted from its total and by itself": Bug(
        "record/projection.py",
        "        return max(of_status[RefundStatus.COMPLETED], total - not_through)\n",
        "        return of_status[RefundStatus.COMPLETED] + total\n",
        "tests/unit/test_every_order.py",
    ),
    "one operation that two events tell is two": Bug(
        "record/projection.py",
        "        listed = sum(max(amounts) for amounts in captures.values())\n",
        "        listed = sum(fact.amount_minor or 0 for fact in by_kind.get(Kind.CAPTURED, []))\n",
        "tests/unit/test_projection.py",
    ),
    "what arrived last counts as newest": Bug(
        "record/projection.py",
        "    ordered = sorted(facts, key=_operation)\n",
        "    ordered = list(facts)\n",
        "tests/unit/test_every_order.py",
    ),
    "what was recorded is recorded again": Bug(
        "record/payments.py",
        "            new = {digest: fact for digest, fact in new.items() if digest not in case.facts}\n"
        "        if not new and len(named) == 1:",
        "            pass\n        if not new and len(named) == 1:",
        "tests/unit/test_every_order.py",
    ),
    "a correction forgets to reverse": Bug(
        "record/ledger.py",
        "        self.new += [self._reversal(posting) for posting in standing]\n",
        "",
        "tests/unit/test_ledger.py",
    ),
    "a lost dispute is booked as a refund of its own": Bug(
        "record/ledger.py",
        "    taken = lost | _sums(by_kind, Kind.DISPUTE_WITHDRAWN)  # what was lost had been taken\n",
        "    taken = dict(_sums(by_kind, Kind.DISPUTE_WITHDRAWN))\n",
        "tests/unit/test_ledger.py",
    ),
    "an overpayment is a sale": Bug(
        "record/ledger.py",
        "        found |= _overpaid(by_kind, found)\n",
        "        pass\n",
        "tests/unit/test_ledger.py",
    ),
    "a payout that failed after it was paid comes from the way to the bank": Bug(
        "record/ledger.py",
        "        place = Account.BANK if paid else Account.PAYOUT_IN_TRANSIT\n",
        "        place = Account.PAYOUT_IN_TRANSIT\n",
        "tests/unit/test_accounts.py",
    ),
    "two payments that are one keep both postings": Bug(
        "record/payments.py",
        "        self._post(other, {}, time)\n        self._draft.grant",
        "        self._draft.grant",
        "tests/unit/test_aliases.py",
    ),
    # ---- what customers may use
    "a refund of an earlier period takes this one's access": Bug(
        "record/entitlements.py",
        "    of_newest = [it for it in run.payments if newest and it.invoice_id == newest]\n",
        "    of_newest = [it for it in run.payments if it.money is not Money.KEPT]\n",
        "tests/unit/test_entitlements.py",
    ),
    "access ends when it is canceled for the period's end": Bug(
        "record/entitlements.py",
        "        return _granted(min(end_ms or until_ms, until_ms), now_ms, reason, who)\n",
        "        return _granted(0, now_ms, reason, who)\n",
        "tests/unit/test_entitlements.py",
    ),
    "a payment of another amount than expected grants": Bug(
        "record/grants.py",
        " or state.match not in {None, Match.EXACT}:",
        ":",
        "tests/unit/test_entitlements.py",
    ),
    "a customer whom the notification does not name is forgotten": Bug(
        "store/member_rows.py",
        "            granting.add(reading.source.id)\n",
        "",
        "tests/contract/test_store_entitlements.py::test_a_payment_whose_invoice_is_told_last_counts",
    ),
    "what is stale is told": Bug(
        "record/rules.py",
        '        self._draft.silence = STALE if is_stale(reading) else ""\n',
        "",
        "tests/contract/test_store_silences.py",
    ),
    "a version falls when a fact is dropped": Bug(
        "record/rebuild.py",
        '    marks = [(mark.digest(), mark, "") for mark in (_mark(stored[it], it) for it in gone)]\n',
        "    marks: list[tuple[bytes, Fact, str]] = []\n",
        "tests/contract/test_store_renormalise.py",
    ),
    "the digest of an erased fact is made anew": Bug(
        "store/sqlite/recording.py",
        "        told = {rows.blob(digest): rows.fact(fact) for digest, fact in facts}\n",
        "        told = {(it := rows.fact(fact)).digest(): it for _, fact in facts}\n",
        "tests/contract/test_store_erasure.py"
        "::test_what_is_erased_stays_so_when_it_is_sent_again_folded_or_read_anew[sqlite]",
    ),
    "messages keep the customer's name when it is erased": Bug(
        "app/erasures.py",
        "redacted_body(payload, values)) for message_id, payload",
        "payload) for message_id, payload",
        "tests/contract/test_store_erasure.py",
    ),
    # ---- the store
    "postings can be edited": Bug(
        "store/migrations/0009_accounts.sqlite.sql",
        "CREATE TRIGGER postings_are_not_updated BEFORE UPDATE ON postings\n",
        "CREATE TRIGGER postings_are_not_updated BEFORE UPDATE OF no ON postings\n",
        "tests/contract/test_store_ledger.py::test_a_posting_is_never_edited_and_never_deleted[sqlite]",
    ),
    "no unique key on what was seen": Bug(
        "store/migrations/0002_rowids.sqlite.sql",
        "CREATE UNIQUE INDEX notifications_dedupe",
        "CREATE INDEX notifications_dedupe",
        "tests/contract/test_store_notifications.py",
    ),
    "no fencing": Bug(
        "store/queries/message.sql",
        " WHERE id = $7 AND state = 'leased' AND lease_no = $8;",
        " WHERE id = $7 AND state = 'leased' AND lease_no <= $8 + 9;",
        "tests/contract/test_store_deliveries.py",
    ),
    "another tenant's payment is shown": Bug(
        "store/queries/payment.sql",
        "  FROM payments WHERE organisation_id = $1 AND id = coalesce(",
        "  FROM payments WHERE $1 <> '' AND id = coalesce(",
        "tests/integration/test_every_route.py",
    ),
    # ---- delivery
    "retry without jitter": Bug(
        "deliver/rules.py",
        "delays_s[attempt_count - 1] * (1 - _JITTER + 2 * _JITTER * chance)",
        "float(delays_s[attempt_count - 1])",
        "tests/unit/test_deliver_rules.py",
    ),
    "the address is not judged at connect": Bug(
        "transports/dial.py",
        '        refusal = next(filter(None, map(self._guard.refusal, addresses)), "")\n',
        '        refusal = ""\n',
        "tests/integration/test_http_guard.py",
    ),
    "one good address lets a host in": Bug(
        "transports/dial.py",
        "map(self._guard.refusal, addresses)",
        "map(self._guard.refusal, addresses[:1])",
        "tests/integration/test_http_guard.py",
    ),
    "an IPv4 address within an IPv6 one is not seen": Bug(
        "transports/guard.py",
        '        "2002::/16": "6to4",\n',
        "",
        "tests/unit/test_guard.py",
    ),
    "a connection is lent to any endpoint of its host": Bug(
        "transports/http.py",
        "key = (sending.pool, ",
        'key = ("", ',
        "tests/integration/test_http_sender.py",
    ),
    "a connection outlives its client certificate": Bug(
        "transports/http.py",
        "known.target.origin, sending.client_certificate)",
        'known.target.origin, "")',
        "tests/integration/test_http_tls.py",
    ),
    "a client certificate is shown after its time": Bug(
        "transports/tls.py",
        'Failed(phase="tls", reason=refusal) if refusal else made.context',
        "made.context",
        "tests/integration/test_http_tls.py",
    ),
    "what is read of an answer depends on how it arrives": Bug(
        "transports/answer.py",
        "HEAD_BYTES_MAX + FRAMING_BYTES_MAX - self.wire_bytes",
        "HEAD_BYTES_MAX + FRAMING_BYTES_MAX",
        "tests/unit/test_http_parse.py",
    ),
    "unused connections are kept without end": Bug(
        "transports/pool.py",
        "        if len(self._keys) > self._connections_max:\n            self.drop_oldest()\n",
        "",
        "tests/unit/test_idle_pool.py",
    ),
    # ---- one endpoint's trouble
    "a breaker never opens": Bug(
        "deliver/health.py",
        "(state.breaker is Breaker.CLOSED and count >= BREAKER_FAILURES)",
        "(state.breaker is Breaker.CLOSED and count >= 10 * BREAKER_FAILURES)",
        "tests/unit/test_deliver_health.py::test_so_many_failures_in_a_row_open_the_breaker_and_one_less_does_not",
    ),
    "every process sends a probe": Bug(
        "store/queries/isolation.sql",
        " WHERE endpoint_id = $3 AND held_until_ms = $4 AND breaker <> 'closed';",
        " WHERE endpoint_id = $3 AND $4 = $4 AND breaker <> 'closed';",
        "tests/contract/test_store_isolation.py::test_a_probe_is_taken_once[sqlite]",
    ),
    "what waited for a dead endpoint comes as a herd": Bug(
        "deliver/health.py",
        "    return rate if rate < PACE_LAST else 0.0\n",
        "    return 0.0\n",
        "tests/unit/test_deliver_isolation.py::test_an_outage_of_six_hours_burns_no_attempts_and_ends_without_a_herd",
    ),
    "Retry-After pauses one delivery, not its endpoint": Bug(
        "deliver/health.py",
        "    if outcome.retry_after_s:\n        return int(",
        "    if outcome.retry_after_s:\n        return 0 * int(",
        "tests/unit/test_deliver_isolation.py::test_who_asks_for_an_hour_has_it_for_all_that_waits_and_others_flow",
    ),
    "one application takes all places": Bug(
        "deliver/lanes.py",
        "_SHARE_MAX: Final = 0.75",
        "_SHARE_MAX: Final = 1.0",
        "tests/unit/test_lanes.py::test_one_application_never_has_all_places",
    ),
    "each process has a rate of its own": Bug(
        "deliver/claims.py",
        "        return allot(plan, asks, granted, self._rules)",
        "        return dict(plan.rooms)",
        "tests/unit/test_deliver_isolation.py::test_an_endpoints_rate_holds_across_processes_and_what_waits_for_its_turn_is_"
        "not_tried",
    ),
    "the next of a line does not wait": Bug(
        "store/rows.py",
        "    due_at_ms = BEHIND_MS if job.order_key else job.due_at_ms\n",
        "    due_at_ms = job.due_at_ms\n",
        "tests/contract/test_store_lines.py::test_the_next_is_claimed_when_the_one_before_it_has_ended",
    ),
    "who leaves a line forgets the next": Bug(
        "store/sqlite/lines.py",
        "            self._release(connection, endpoint_id, order_key, rows.number(place), self.clock.now_ms())\n",
        "            continue\n",
        "tests/contract/test_store_lines.py::test_the_next_is_claimed_when_the_one_before_it_has_ended",
    ),
    # ---- crashes
    "a message is answered before it is committed": Bug(
        "web/posts.py",
        "            found = await self._context.store.message_post(new)\n",
        "            found = Begun()\n"
        "            self.late = __import__('asyncio').ensure_future(self._context.store.message_post(new))\n",
        KILLS,
    ),
    "what was sent is recorded when there is time": Bug(
        "deliver/service.py",
        "                return await self._store.attempt_append(new)\n",
        "                await self._clock.sleep(3)\n                return await self._store.attempt_append(new)\n",
        KILLS,
    ),
    "what a dead process had taken on is not taken back": Bug(
        "store/queries/message.sql",
        "UPDATE deliveries SET state = 'due', due_at_ms = $1 WHERE state = 'leased';",
        "UPDATE deliveries SET state = 'due', due_at_ms = $1 WHERE state = 'leased' AND attempt_count > 0;",
        KILLS,
    ),
    "two tasks of an endpoint step at once": Bug(
        "store/queries/task.sql",
        "state = 'running' ORDER BY id FOR UPDATE;",
        "state = 'running' ORDER BY id;",
        "tests/integration/test_task_hold_postgres.py",
    ),
    "a resent delivery is still called dead": Bug(
        "store/queries/message.sql",
        "finished_at_ms = NULL, dead_reason = '', resent_at_count = attempt_count\n",
        "finished_at_ms = NULL, resent_at_count = attempt_count\n",
        "tests/contract/test_store_dead_letters.py::test_what_is_sent_once_more_is_no_dead_letter_any_more",
    ),
}
