"""Locks that stay taken when something goes wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import ancestors, called_name, dotted, own_nodes, parents
from purpcode.analyzers.flow.rule import FlowRule, Match

_LOCKS = tuple(
    f"{module}.{kind}()"
    for module in ("threading", "multiprocessing", "asyncio")
    for kind in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")
)
_HARMLESS = (ast.Constant, ast.Name, ast.Pass)


def _taken(code: Code) -> Iterator[Match]:
    if not code.uses_module("threading", "multiprocessing", "asyncio"):
        return
    parent: dict[ast.AST, ast.AST] | None = None
    for call in code.calls_to(("*.acquire",)):
        lock = dotted(call.node.func)
        if not call.receiver.names & set(_LOCKS) or not lock or call.scope.name in _PAIRS:
            continue
        parent = parent or parents(code)
        releases = [
            one
            for one in own_nodes(call.scope.node)
            if isinstance(one, ast.Call) and dotted(one.func) == lock.replace("acquire", "release")
        ]
        if not releases:
            stands_alone = isinstance(parent.get(call.node), ast.Expr)
            if stands_alone and not _released_elsewhere(code, lock, call.scope.node):
                yield Match(call.node, "is taken and never given back")
            continue
        sure = any(_in_finally(one, parent) for one in releases)
        if not sure and _may_fail(call.scope.node, call.node, releases):
            yield Match(call.node, "stays taken when an exception comes before release()")


_PAIRS = frozenset(("acquire", "__enter__", "__aenter__", "lock", "start", "_acquire"))


def _released_elsewhere(code: Code, lock: str, function: ast.AST) -> bool:
    """A method pair: one takes, another gives back."""
    last = lock.replace("acquire", "release")
    return (
        any(isinstance(one, ast.Call) and dotted(one.func) == last for one in code.nodes)
        and function is not code.tree
    )


def _in_finally(release: ast.AST, parent: dict[ast.AST, ast.AST]) -> bool:
    below = release
    for above in ancestors(release, parent):
        if isinstance(above, ast.Try) and below in above.finalbody:
            return True
        below = above
    return False


def _may_fail(function: ast.AST, taken: ast.Call, releases: list[ast.Call]) -> bool:
    """Whether between taking and the last giving back something may raise or return."""
    last = max(one.lineno for one in releases)
    for node in own_nodes(function):
        line = getattr(node, "lineno", 0)
        if (
            taken.lineno < line < last
            and isinstance(node, ast.Call | ast.Raise | ast.Return | ast.Subscript | ast.Await)
            and called_name(node) not in ("print", "append", "len", "release", "acquire")
        ):
            return True
    return False


RULE = FlowRule(
    id="lock-not-released",
    title="Lock that may stay taken",
    cwes=(667, 413, 772),
    severity="medium",
    severity_reason="After one exception every other thread waits for the lock for ever.",
    fix="Use `with lock:`, or release it in a finally block right after acquire.",
    reference="https://cwe.mitre.org/data/definitions/667.html",
    detectors=(_taken,),
    insecure=(
        """
import threading

lock = threading.Lock()
accounts = {}

def pay(name, amount):
    lock.acquire()
    if accounts[name] < amount:
        raise ValueError("not enough")
    accounts[name] -= amount
    lock.release()
""",
        """
import threading

class Queue:
    def __init__(self):
        self.lock = threading.RLock()
        self.jobs = []

    def run_next(self):
        self.lock.acquire()
        if not self.jobs:
            return None
        job = self.jobs.pop(0)
        self.lock.release()
        return job()
""",
        """
from multiprocessing import Semaphore

slots = Semaphore(4)

def work(job):
    slots.acquire()
    job.run()
""",
    ),
    secure=(
        """
import threading

lock = threading.Lock()
accounts = {}

def pay(name, amount):
    with lock:
        if accounts[name] < amount:
            raise ValueError("not enough")
        accounts[name] -= amount
""",
        """
import threading

class Queue:
    def __init__(self):
        self.lock = threading.RLock()
        self.jobs = []

    def run_next(self):
        self.lock.acquire()
        try:
            job = self.jobs.pop(0) if self.jobs else None
        finally:
            self.lock.release()
        return job() if job else None
""",
        """
import threading

class Gate:
    def __init__(self):
        self._lock = threading.Lock()

    def __enter__(self):
        self._lock.acquire()
        return self

    def __exit__(self, *details):
        self._lock.release()
""",
        """
from multiprocessing import Semaphore

slots = Semaphore(4)

def work(job):
    with slots:
        job.run()
""",
    ),
)
