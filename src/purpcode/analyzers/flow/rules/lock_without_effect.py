"""Locks and threads that do not do what they seem to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_KINDS = frozenset(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"))


def _new_each_time(code: Code) -> Iterator[Match]:
    """`with threading.Lock():` makes a lock that nobody else has."""
    for call in code.calls_to(tuple(f"{m}.{k}" for m in ("threading", "asyncio") for k in _KINDS)):
        if call.managed:
            yield Match(call.node, "a new lock every time keeps nobody out")


def _around_nothing(code: Code) -> Iterator[Match]:
    if not code.uses_module("threading", "multiprocessing", "asyncio"):
        return
    locks = {
        dotted(target)
        for node in code.nodes
        if isinstance(node, ast.Assign) and called_name(node.value) in _KINDS
        for target in node.targets
    }
    for node in code.nodes:
        if isinstance(node, ast.With | ast.AsyncWith):
            held = any(dotted(item.context_expr) in locks for item in node.items)
            if held and all(isinstance(one, ast.Pass) for one in node.body):
                yield Match(node, "nothing is done while the lock is held", "low", (585, 821))
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                yield from _given_back_twice(block, locks)


def _given_back_twice(block: list[ast.stmt], locks: set[str]) -> Iterator[Match]:
    free: set[str] = set()
    for statement in block:
        call = statement.value if isinstance(statement, ast.Expr) else None
        owner, _, verb = (dotted(call.func) if isinstance(call, ast.Call) else "").rpartition(".")
        if verb == "release" and owner in free and owner in locks:
            yield Match(statement, "is given back a second time", cwes=(765, 832))
        elif verb == "release":
            free.add(owner)
        elif any(called_name(one) == "acquire" for one in walk(statement)):
            free.clear()


def _run_directly(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("threading.Thread().run", "multiprocessing.Process().run")):
        if call.receiver.names & {
            "threading.Thread()",
            "multiprocessing.Process()",
        } and "super" not in ast.unparse(call.node.func):
            yield Match(
                call.node, "run() works in the calling thread, not a new one", "low", (572,)
            )


RULE = FlowRule(
    id="lock-without-effect",
    title="Lock that protects nothing",
    cwes=(821, 820, 765, 832, 585, 572),
    severity="medium",
    severity_reason="The code looks protected, and threads still change its data at the same time.",
    fix="Make one lock for all threads (in the module or in __init__) and hold it for the change.",
    reference="https://cwe.mitre.org/data/definitions/821.html",
    detectors=(_new_each_time, _around_nothing, _run_directly),
    confidence="high",
    insecure=(
        """
import threading

total = 0

def add(amount):
    global total
    with threading.Lock():
        total += amount
""",
        """
import threading

class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def up(self):
        self.lock.acquire()
        self.value += 1
        self.lock.release()
        self.lock.release()
""",
        """
import asyncio

stock = {"apples": 3}

async def take(name):
    async with asyncio.Lock():
        if stock[name]:
            await asyncio.sleep(0)
            stock[name] -= 1
""",
    ),
    secure=(
        """
import threading

total = 0
lock = threading.Lock()

def add(amount):
    global total
    with lock:
        total += amount
""",
        """
import threading

class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def up(self):
        with self.lock:
            self.value += 1
""",
        """
import asyncio

stock = {"apples": 3}
lock = asyncio.Lock()

async def take(name):
    async with lock:
        if stock[name]:
            await asyncio.sleep(0)
            stock[name] -= 1
""",
    ),
)
