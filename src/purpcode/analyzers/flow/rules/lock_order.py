"""Two locks taken in opposite orders: two threads can wait for each other for ever."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted, functions
from purpcode.analyzers.flow.rule import FlowRule, Match

_KINDS = frozenset(("Lock", "Semaphore", "BoundedSemaphore", "Condition", "RLock"))
_Pair = tuple[str, str]


def _locks(code: Code) -> dict[str, str]:
    """Names of locks as written, and their kinds."""
    found: dict[str, str] = {}
    for node in code.nodes_of(ast.Assign):
        if called_name(node.value) in _KINDS:
            found |= {dotted(one): called_name(node.value) for one in node.targets}
    return found


def _nested(
    body: list[ast.stmt], held: tuple[str, ...], locks: dict[str, str]
) -> Iterator[tuple[_Pair, ast.AST]]:
    """Pairs (held, taken) in a body, in order of the statements."""
    for one in body:
        inner = held
        if isinstance(one, ast.With | ast.AsyncWith):
            for item in one.items:
                name = dotted(item.context_expr)
                if name in locks:
                    yield from (((other, name), item.context_expr) for other in inner)
                    inner = (*inner, name)
        elif isinstance(one, ast.Expr) and called_name(one.value) in ("acquire", "release"):
            call = one.value.value if isinstance(one.value, ast.Await) else one.value
            name, _, verb = dotted(call.func if isinstance(call, ast.Call) else call).rpartition(
                "."
            )
            if name in locks and verb == "acquire":
                yield from (((other, name), one) for other in held)
                held = (*held, name)
            elif name in locks:
                held = tuple(other for other in held if other != name)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _nested(getattr(one, part, []) or [], inner, locks)


def _opposite(code: Code) -> Iterator[Match]:
    if not code.uses_module("threading", "multiprocessing", "asyncio"):
        return
    locks = _locks(code)
    if not locks:
        return
    taken: dict[_Pair, ast.AST] = {}
    for scope in functions(code):
        body = getattr(scope.node, "body", [])
        for pair, node in _nested(body if isinstance(body, list) else [], (), locks):
            taken.setdefault(pair, node)
    for (held, wanted), node in taken.items():
        if held == wanted:
            if locks[held] == "Lock":
                yield Match(node, f"{held} is taken while it is already held", cwes=(764, 833))
        elif (wanted, held) in taken:
            yield Match(node, f"{wanted} is taken while {held} is held, and elsewhere the reverse")


RULE = FlowRule(
    id="lock-order",
    title="Locks that can block each other",
    cwes=(833, 764, 667),
    severity="medium",
    severity_reason="Two threads that hold one lock each and want the other never go on.",
    fix="Take locks in one fixed order everywhere, and no lock twice (or use RLock).",
    reference="https://cwe.mitre.org/data/definitions/833.html",
    detectors=(_opposite,),
    insecure=(
        """
import threading

stock_lock = threading.Lock()
money_lock = threading.Lock()

def buy(shop):
    with stock_lock:
        with money_lock:
            shop.buy()

def sell(shop):
    with money_lock:
        with stock_lock:
            shop.sell()
""",
        """
import threading

class Transfer:
    def __init__(self):
        self.left = threading.Lock()
        self.right = threading.Lock()

    def forth(self, amount):
        with self.left, self.right:
            return amount

    def back(self, amount):
        self.right.acquire()
        try:
            self.left.acquire()
            try:
                return -amount
            finally:
                self.left.release()
        finally:
            self.right.release()
""",
        """
import threading

lock = threading.Lock()
values = []

def add(value):
    with lock:
        values.append(value)
        with lock:
            values.sort()
""",
    ),
    secure=(
        """
import threading

stock_lock = threading.Lock()
money_lock = threading.Lock()

def buy(shop):
    with stock_lock:
        with money_lock:
            shop.buy()

def sell(shop):
    with stock_lock:
        with money_lock:
            shop.sell()
""",
        """
import threading

class Transfer:
    def __init__(self):
        self.left = threading.Lock()
        self.right = threading.Lock()

    def forth(self, amount):
        with self.left, self.right:
            return amount

    def back(self, amount):
        with self.right:
            change = -amount
        with self.left:
            return change
""",
        """
import threading

lock = threading.RLock()
values = []

def add(value):
    with lock:
        values.append(value)
        with lock:
            values.sort()
""",
    ),
)
