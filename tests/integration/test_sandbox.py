"""The sandbox with real worker processes: what honest code can do, and what hostile code cannot."""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from paybell.ports import Fault, Transformed, Webhook
from paybell.transform import Sandbox, SandboxConfig

OWNERS = itertools.count()
PAYLOAD = b'{"amount": 1050, "currency": "EUR", "name": "Zo\xc3\xab"}'


class Room:
    """A sandbox, and an event loop that lives as long."""

    def __init__(self, **config: float) -> None:
        self.sandbox = Sandbox(SandboxConfig(**config), check_headers=lambda _: None)
        self.runner = asyncio.Runner()

    def run(self, code: str, payload: bytes = PAYLOAD, owner: str = "") -> Transformed | Fault:
        it = self.sandbox.transform(code, webhook(payload), owner=owner or f"app_{next(OWNERS)}")
        return self.runner.run(it)

    def check(self, code: str) -> Fault | None:
        return self.runner.run(self.sandbox.check(code, owner="app"))

    def close(self) -> None:
        self.runner.run(self.sandbox.close())
        self.runner.close()


def webhook(payload: bytes = PAYLOAD) -> Webhook:
    return Webhook(
        id="msg_1",
        event_type="order.paid",
        payload=payload,
        channels=("eu",),
        url="https://example.com/hook",
        at_ms=1_700_000_000_000,
    )


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    made = Room(memory_bytes=32 << 20)
    yield made
    made.close()


@pytest.fixture(scope="module")
def hasty_room() -> Iterator[Room]:
    """Where no code may run for long, so that endless code ends soon."""
    made = Room(time_s=0.05, memory_bytes=32 << 20)
    yield made
    made.close()


def in_room(scenario: Callable[[Sandbox], Awaitable[None]], **config: float) -> None:
    async def whole() -> None:
        sandbox = Sandbox(SandboxConfig(**config), check_headers=lambda _: None)
        try:
            await scenario(sandbox)
        finally:
            await sandbox.close()

    asyncio.run(whole())


def handler(body: str) -> str:
    return "def handler(webhook):\n" + "".join(f"    {line}\n" for line in body.splitlines())


SAME = handler("return webhook")


def test_it_changes_the_payload_adds_headers_and_cancels(room: Room) -> None:
    code = handler("""\
p = webhook["payload"]
p["total"] = f"{p['amount'] / 100:.2f} {p['currency']}"
webhook["headers"]["x-event"] = webhook["eventType"]
webhook["cancel"] = p["amount"] == 0
return webhook""")
    body = '{"amount":1050,"currency":"EUR","name":"Zo\u00eb","total":"10.50 EUR"}'.encode()
    assert room.run(code) == Transformed(payload=body, headers=(("x-event", "order.paid"),))
    canceled = room.run(code, b'{"amount": 0, "currency": "EUR"}')
    assert isinstance(canceled, Transformed)
    assert canceled.canceled


def test_a_payload_that_it_leaves_alone_keeps_its_bytes(room: Room) -> None:
    odd = b'{ "a" : 1.10, "b":12345678901234567890123, "c":"\\u00e9" }'
    assert room.run(SAME, odd) == Transformed(payload=odd)
    one_for_true = room.run(handler('webhook["payload"]["a"] = 1\nreturn webhook'), b'{"a": true}')
    assert one_for_true == Transformed(payload=b'{"a":1}')


def test_the_same_message_always_becomes_the_same(room: Room) -> None:
    code = """\
import datetime, random, time
def handler(webhook):
    seen = [str(datetime.datetime.now()), time.time(), time.monotonic(), random.random(), random.Random().random()]
    webhook["payload"] = {"seen": seen, "hash": hash("abc"), "set": list({"a", "b", "cc", "ddd"})}
    return webhook
"""
    first = room.run(code)
    assert isinstance(first, Transformed)
    assert json.loads(first.payload)["seen"][0] == "2023-11-14 22:13:20"
    assert [room.run(code) for _ in range(3)] == [first] * 3
    other = Room()
    assert other.run(code) == first
    other.close()


def test_nothing_is_left_for_the_next_message(room: Room) -> None:
    code = """\
import json
seen = []
def handler(webhook):
    seen.append(1)
    webhook["payload"] = {"seen": len(seen)}
    return webhook
"""
    assert [room.run(code, owner="app") for _ in range(3)] == [Transformed(payload=b'{"seen":1}')] * 3


@pytest.mark.parametrize(
    ("code", "reason", "line"),
    [
        ("def handler(webhook)\n    pass", "SyntaxError", 1),
        ("x = 1\nimport nonesuch", "ModuleNotFoundError: No module named 'nonesuch'", 2),
        ("x = 1", "it defines no function handler(webhook)", None),
        ("handler = 3", "it defines no function handler(webhook)", None),
        ("1/0", "ZeroDivisionError", 1),
        ("while True: pass", "it ran longer than 0.05 s", None),
        ("def handler(webhook):\n    yield webhook", "yield", 2),
    ],
)
def test_code_that_could_never_work_is_found_beforehand(
    hasty_room: Room, code: str, reason: str, line: int | None
) -> None:
    found = hasty_room.check(code)
    assert found is not None
    assert reason in found.reason
    assert found.line == line


def test_code_that_may_work_is_accepted(room: Room) -> None:
    assert room.check(SAME) is None
    assert room.check("handler = lambda webhook: webhook") is None


@pytest.mark.parametrize(
    ("body", "reason", "line"),
    [
        ("x = 1\nreturn webhook['nope']", "KeyError: nope", 3),
        ("return None", "handler must return the webhook", None),
        ("return {1, 2}", "not JSON serializable", None),
        ("webhook['payload']['x'] = float('nan')\nreturn webhook", "without NaN", None),
        ("raise SystemExit", "SystemExit", 2),
        ("raise ValueError('x' * 10_000)", "ValueError: xxx", 2),
        ("webhook['url'] = 'https://evil.example'\nreturn webhook", "it changed url", None),
        ("print('x' * 100_000)\nreturn webhook", "prints too much", None),
    ],
)
def test_a_fault_says_what_and_where(room: Room, body: str, reason: str, line: int | None) -> None:
    found = room.run(handler(body))
    assert isinstance(found, Fault)
    assert reason in found.reason
    assert len(found.reason) <= 300
    assert found.line == line


ENDLESS = (
    "while True: pass",
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "try:\n  while True: pass\nfinally:\n  while True: pass",
    "x = 3\nwhile True: x = x * x",
    "sum(range(10**11))",
    "pow(3, 10**100000, 10**100000 + 7)",
    "import itertools\nany(itertools.repeat(0))",
    "import math\nmath.comb(10**7, 5 * 10**6)",
    "while True:\n  a = []\n  a.append(a)",
    "class K:\n  def __hash__(self): return 1\n  def __eq__(self, other): return False\n{K() for _ in range(10**6)}",
    "x = 'a' * 10**7\nsum(1 for _ in range(10**6) if 'aaaaab' in x)",
)
HUGE = (
    "[0] * 10**9",
    "x = []\nwhile True: x.append('a' * 1000)",
    "'a' * 10**10",
    "b'a' * 10**10",
    "10**10**10",
    "1 << 10**11",
    "list(range(10**10))",
    "{i: i for i in range(10**9)}",
    "set(range(10**9))",
    "import itertools\nlist(itertools.product(range(1000), repeat=5))",
    "import math\nmath.factorial(10**7)",
    "import decimal\ndecimal.getcontext().prec = 10**8\ndecimal.Decimal(1) / 3",
    "('a' * 10**6).replace('a', 'b' * 10**6)",
    "','.join(['a' * 1000] * 10**6)",
    "('a ' * 10**7).split()",
    "'1'.zfill(10**10)",
    "'{:>9999999999}'.format(1)",
    "'%9999999999d' % 1",
    "f'{1:>999999999}'",
    "x = [1]\nfor _ in range(40): x += x",
    "raise ValueError('x' * 40_000_000)",
    "x = None\nfor i in range(10**6): x = (x,)",
)
DEEP = (
    "def f(): return f()\nf()",
    "def f(n): return [f(n + 1)]\nf(0)",
    "f = lambda: 0\nfor i in range(10**4): f = (lambda g: lambda: g())(f)\nf()",
    "import json\njson.loads('[' * 10**6)",
    "x = ()\nfor i in range(10**4): x = (x,)\nhash(x)",
)
NOT_THERE = (
    "().__class__.__base__.__subclasses__()",
    "getattr((), '__class__')",
    "'{0.__class__.__mro__}'.format(1)",
    "(lambda: 0).__globals__",
    "handler.__code__",
    "__builtins__",
    "__import__('os')",
    "globals()",
    "vars()",
    "compile('1', 'x', 'eval')",
    "input()",
    "type('X', (object,), {})",
    "import subprocess",
    "import socket",
    "import ctypes",
    "import importlib",
    "import builtins",
    "import os\nos.system('id')",
    "import os\nos.fork()",
    "import os\nos.listdir('/')",
    "import os\nos.environ['PATH']",
    "import os\nos.getenv('PATH')",
    "import os\nos.urandom(4)",
    "import sys\nsys.modules",
    "import sys\nsys.setrecursionlimit(10**9)",
    "open('/etc/passwd').read()",
    "open('/tmp/x', 'w').write('x')",
    "from pathlib import Path\nPath('/etc/passwd').read_text()",
    "import json\njson.dumps = lambda x: 'evil'",
    "eval('open(\"/etc/passwd\")')",
    "exec('import socket')",
)


@pytest.mark.parametrize("body", ENDLESS)
def test_what_never_ends_is_ended(hasty_room: Room, body: str) -> None:
    found = hasty_room.run(handler(body + "\nreturn webhook"))
    assert isinstance(found, Fault)
    assert "it ran longer than 0.05 s" in found.reason
    assert isinstance(hasty_room.run(SAME), Transformed)


@pytest.mark.parametrize("body", HUGE)
def test_what_is_huge_is_refused(room: Room, body: str) -> None:
    found = room.run(handler(body + "\nreturn webhook"))
    assert isinstance(found, Fault)
    assert "it needs more than 32 MiB of memory" in found.reason
    assert isinstance(room.run(SAME), Transformed)


@pytest.mark.parametrize("body", DEEP)
def test_what_is_too_deep_is_refused(room: Room, body: str) -> None:
    found = room.run(handler(body + "\nreturn webhook"))
    assert isinstance(found, Fault)
    assert "recursion" in found.reason
    assert isinstance(room.run(SAME), Transformed)


@pytest.mark.parametrize("body", NOT_THERE)
def test_nothing_outside_can_be_reached(room: Room, body: str) -> None:
    found = room.run(handler(body + "\nreturn webhook"))
    assert isinstance(found, Fault)
    assert "Error: " in found.reason
    assert found.line is not None
    assert isinstance(room.run(SAME), Transformed)


@pytest.mark.parametrize(
    "code",
    ["(" * 10**5 + ")" * 10**5, "x = " + "-" * 10**5 + "1", "x = " + "+".join("1" * 20_000), "x = a" + ".b" * 20_000],
)
def test_source_that_is_too_deep_is_refused(room: Room, code: str) -> None:
    found = room.check(code)
    assert found is not None
    assert "too deeply nested" in found.reason


@pytest.mark.parametrize(
    "body",
    [
        "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        "import re\nre.match('(.*)' * 20 + 'x', 'a' * 5000)",
        "items = [3, 1, 2]\ndef key(x):\n  items.clear()\n  return x\nitems.sort(key=key)",
        "import time\ntime.sleep(1000)",
    ],
)
def test_what_hangs_elsewhere_is_quick_here(room: Room, body: str) -> None:
    assert isinstance(room.run(handler(body + "\nreturn webhook")), Transformed)


def test_a_limit_cannot_be_caught(hasty_room: Room) -> None:
    body = "try:\n  while True: pass\nexcept BaseException: pass\nreturn webhook"
    assert isinstance(hasty_room.run(handler(body)), Fault)
    body = "try:\n  x = 'a' * 10**10\nexcept BaseException: pass\nreturn webhook"
    assert isinstance(hasty_room.run(handler(body)), Fault)


def test_the_event_loop_goes_on_while_code_runs() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        await sandbox.transform(SAME, webhook(), owner="app_1")
        running = asyncio.create_task(sandbox.transform(handler("while True: pass"), webhook(), owner="app_1"))
        turns = 0
        while not running.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 100
        assert isinstance(running.result(), Fault)

    in_room(scenario, time_s=0.2)


def test_an_owner_whose_code_hangs_holds_one_place_and_the_others_pass() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        endless = handler("while True: pass")
        slow = [asyncio.create_task(sandbox.transform(endless, webhook(), owner="slow")) for _ in range(3)]
        for _ in range(5):
            assert isinstance(await sandbox.transform(SAME, webhook(), owner="quick"), Transformed)
        assert not slow[1].done()
        assert all(isinstance(it, Fault) for it in await asyncio.gather(*slow))

    in_room(scenario, time_s=2)


def test_who_gets_no_turn_in_time_fails_and_who_is_cancelled_frees_it() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        endless = handler("while True: pass")
        first = asyncio.create_task(sandbox.transform(endless, webhook(), owner="slow"))
        second = asyncio.create_task(sandbox.transform(SAME, webhook(), owner="slow"))
        await asyncio.sleep(0)
        third = await sandbox.transform(SAME, webhook(), owner="slow")
        assert isinstance(third, Fault)
        assert "this one had no turn" in third.reason
        first.cancel()
        second.cancel()
        await asyncio.wait([first, second])
        assert isinstance(await sandbox.transform(SAME, webhook(), owner="slow"), Transformed)
        assert sandbox.waiting_count == 0

    in_room(scenario, time_s=20, wait_s=1, processes_max=1)


def test_a_closed_sandbox_starts_nothing() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        starting = asyncio.create_task(sandbox.transform(SAME, webhook(), owner="app_1"))
        await asyncio.sleep(0)
        await sandbox.close()
        assert isinstance(await starting, Fault)
        late = await sandbox.transform(SAME, webhook(), owner="app_1")
        assert isinstance(late, Fault)
        assert "Paybell is stopping" in late.reason

    in_room(scenario)


def test_a_process_that_dies_is_replaced() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        await sandbox.transform(SAME, webhook(), owner="app_1")
        (worker,) = sandbox._all
        os.kill(worker._process.pid, signal.SIGKILL)
        await worker._process.wait()
        assert isinstance(await sandbox.transform(SAME, webhook(), owner="app_1"), Transformed)
        running = asyncio.create_task(sandbox.transform(handler("while True: pass"), webhook(), owner="app_1"))
        (worker,) = sandbox._all
        await asyncio.sleep(0)
        os.kill(worker._process.pid, signal.SIGKILL)
        died = await running
        assert isinstance(died, Fault)
        assert "ended its process" in died.reason
        assert isinstance(await sandbox.transform(SAME, webhook(), owner="app_1"), Transformed)

    in_room(scenario)


def test_a_process_that_stands_still_is_killed_at_the_deadline() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        await sandbox.transform(SAME, webhook(), owner="app_1")
        (worker,) = sandbox._all
        os.kill(worker._process.pid, signal.SIGSTOP)
        late = await sandbox.transform(SAME, webhook(), owner="app_1")
        assert isinstance(late, Fault)
        assert "it took too long" in late.reason
        assert await worker._process.wait() == -signal.SIGKILL

    in_room(scenario, time_s=0.1, grace_s=1)


def test_a_process_has_no_environment_little_address_space_and_nothing_of_ours_open() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        await sandbox.transform(SAME, webhook(), owner="app_1")
        (worker,) = sandbox._all
        pids = [worker._process.pid, *children(worker._process.pid)]
        assert len(pids) == 2
        for pid in pids:
            about = Path(f"/proc/{pid}")
            assert (about / "environ").read_bytes() == b""
            limits = (about / "limits").read_text(encoding="ascii")
            assert str(1 << 30) in next(line for line in limits.splitlines() if "address space" in line)
        fds = Path(f"/proc/{pids[0]}/fd")
        targets = {str((fds / fd).readlink()).partition(":")[0] for fd in "012"}
        assert targets <= {"pipe", "socket", "/dev/null"}

    in_room(scenario)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def test_two_owners_never_meet_in_one_interpreter_and_a_fault_ends_it() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        async def interpreters(owner: str, code: str = SAME) -> set[int]:
            await sandbox.transform(code, webhook(), owner=owner)
            (worker,) = sandbox._all
            return set(children(worker._process.pid))

        first = await interpreters("app_1")
        assert await interpreters("app_1") == first
        both = await interpreters("app_2")
        assert first < both
        assert await interpreters("app_1", handler("1/0")) == both - first
        assert not first & await interpreters("app_1")
        for number in range(3, 9):
            kept = await interpreters(f"app_{number}")
        assert len(kept) == 4

    in_room(scenario)


def test_when_a_process_is_killed_its_interpreters_end_too() -> None:
    async def scenario(sandbox: Sandbox) -> None:
        await sandbox.transform(SAME, webhook(), owner="app_1")
        (worker,) = sandbox._all
        (interpreter,) = children(worker._process.pid)
        assert os.getpgid(interpreter) == os.getpgid(worker._process.pid) == worker._process.pid

    in_room(scenario)
