"""Shared variables that threads change without a lock."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import ancestors, dotted, own_nodes, parents
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.tree import walk

_STARTERS = ("threading.Thread", "threading.Timer", "*.submit", "_thread.start_new_thread",
             "*.map")  # fmt: skip
_POOLS = ("concurrent.futures.ThreadPoolExecutor()", "multiprocessing.pool.ThreadPool()",
          "multiprocessing.dummy.Pool()")  # fmt: skip


def _targets(code: Code) -> set[str]:
    """Last names of the functions that are run in threads."""
    found: set[str] = set()
    for call in code.calls_to(_STARTERS):
        if call.fits("*.submit") or call.fits("*.map"):
            if not call.receiver.names & set(_POOLS):
                continue
            given = call.node.args[:1]
        elif call.fits("threading.Thread"):
            given = [k.value for k in call.node.keywords if k.arg == "target"] + call.node.args[1:2]
        elif call.fits("threading.Timer"):
            given = call.node.args[1:2] + [
                k.value for k in call.node.keywords if k.arg == "function"
            ]
        else:
            given = call.node.args[:1]
        found |= {dotted(one).rpartition(".")[2] for one in given if dotted(one)}
    return found


def _changes(code: Code) -> Iterator[Match]:
    if not code.uses_module("threading", "concurrent", "multiprocessing", "_thread"):
        return
    targets = _targets(code)
    if not targets:
        return
    parent = parents(code)
    seen: set[int] = set()
    for scope in code.scopes:
        if scope.name not in targets or id(scope.node) in seen:
            continue
        seen.add(id(scope.node))
        shared = _dicts(code, scope.node) | {
            name
            for one in own_nodes(scope.node)
            if isinstance(one, ast.Global | ast.Nonlocal)
            for name in one.names
        }
        for node in own_nodes(scope.node):
            if not _unsafe(node, shared) or _locked(node, parent):
                continue
            level: Level | None = "medium" if _several(code, scope.name) else None
            yield Match(node, "several threads read, change and write it at once", level)


def _several(code: Code, name: str) -> bool:
    """Whether the program itself starts more than one thread with a function."""
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
    started = [
        call
        for call in code.calls_to(("threading.Thread", "*.submit"))
        if any(
            dotted(one).rpartition(".")[2] == name
            for one in (*call.node.args, *(k.value for k in call.node.keywords))
        )
    ]
    if len({id(call.node) for call in started}) > 1:
        return True
    parent = parents(code) if started else {}
    return any(isinstance(one, loops) for call in started for one in ancestors(call.node, parent))


def _unsafe(node: ast.AST, shared: set[str]) -> bool:
    """A change in two steps: `x += 1`, `x = x + 1`, of a shared name or an attribute of self."""
    if isinstance(node, ast.AugAssign):
        target: ast.AST = node.target
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        name = dotted(target)
        if not name or not any(dotted(one) == name for one in walk(node.value)):
            return False
    else:
        return False
    held = target.value if isinstance(target, ast.Subscript) else target
    name = dotted(held)
    return name in shared or name.startswith("self.")


def _dicts(code: Code, function: ast.AST) -> set[str]:
    """Dicts and lists of the module that a function does not make itself."""
    made = {
        target.id
        for one in code.tree.body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Dict | ast.List)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    own = {
        one.id
        for one in own_nodes(function)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    return made - own


def _locked(node: ast.AST, parent: dict[ast.AST, ast.AST]) -> bool:
    around = list(ancestors(node, parent))
    if any(isinstance(one, ast.With | ast.AsyncWith) for one in around):
        return True
    function = around[-1] if around else node
    return any(isinstance(one, ast.Attribute) and one.attr == "acquire" for one in walk(function))


RULE = FlowRule(
    id="unsynchronised-state",
    title="Shared state changed without a lock",
    cwes=(362, 366, 820),
    severity="low",
    severity_reason="Two threads can read the same old value, and one change is lost.",
    fix="Change it under a threading.Lock, or hand results back through a queue.",
    reference="https://cwe.mitre.org/data/definitions/366.html",
    detectors=(_changes,),
    insecure=(
        """
import threading

stock = {"tea": 10}

def sell(count):
    if stock["tea"] >= count:
        stock["tea"] -= count

threading.Thread(target=sell, args=(5,)).start()
threading.Thread(target=sell, args=(8,)).start()
""",
        """
import threading

hits = 0

def count():
    global hits
    for _ in range(1000):
        hits += 1

def main():
    for _ in range(4):
        threading.Thread(target=count).start()
""",
        """
import threading

class Shop:
    def __init__(self):
        self.stock = 100

    def sell(self):
        if self.stock > 0:
            self.stock = self.stock - 1

    def open(self):
        for _ in range(8):
            threading.Thread(target=self.sell).start()
""",
        """
from concurrent.futures import ThreadPoolExecutor

total = 0

def add(number):
    global total
    total += number

def main(numbers):
    with ThreadPoolExecutor() as pool:
        for number in numbers:
            pool.submit(add, number)
""",
    ),
    secure=(
        """
import threading

stock = {"tea": 10}
guard = threading.Lock()

def sell(count):
    with guard:
        if stock["tea"] >= count:
            stock["tea"] -= count

threading.Thread(target=sell, args=(5,)).start()
threading.Thread(target=sell, args=(8,)).start()
""",
        """
import threading

hits = 0
lock = threading.Lock()

def count():
    global hits
    for _ in range(1000):
        with lock:
            hits += 1

def main():
    for _ in range(4):
        threading.Thread(target=count).start()
""",
        """
import threading

class Shop:
    def __init__(self):
        self.stock = 100
        self.lock = threading.Lock()

    def sell(self):
        with self.lock:
            if self.stock > 0:
                self.stock = self.stock - 1

    def open(self):
        for _ in range(8):
            threading.Thread(target=self.sell).start()
""",
        """
from concurrent.futures import ThreadPoolExecutor

def square(number):
    result = 0
    result += number * number
    return result

def main(numbers):
    with ThreadPoolExecutor() as pool:
        return sum(pool.map(square, numbers))
""",
    ),
)
