"""Loops that can never end: nothing moves on, the end is stepped over, failures are tried again."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name, dotted
from purpcode.analyzers.flow.purpose import function_around
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.tree import walk

_LEAVES = (ast.Break, ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)
_ENDS = frozenset(("exit", "_exit", "abort", "execv", "execvp", "next", "fail", "stop"))
_PAUSES = frozenset(("sleep", "wait", "backoff", "select", "poll", "input", "delay", "pause"))
_ATTEMPTS = frozenset(
    ("connect", "create_connection", "urlopen", "get", "post", "request", "put", "login", "acquire")
)
_CLIENTS = ("requests.*", "httpx.*", "urllib.*", "socket.*", "smtplib.*", "ftplib.*", "paramiko.*",
            "http.client.*", "db.*", "redis.*", "urllib3.*")  # fmt: skip
_MAY_FAIL = frozenset(("loads", "int", "float", "unpack", "index", "pop", "exec", "eval"))


def _inside(loop: ast.While | ast.For) -> list[ast.AST]:
    return [node for part in loop.body for node in walk(part)]


def _plain(test: ast.expr) -> set[str] | None:
    """The names a condition looks at, None where it also asks a function or an object."""
    names: set[str] = set()
    for node in walk(test):
        if isinstance(node, ast.Call):
            if called_name(node) != "len" or not isinstance(node.func, ast.Name):
                return None
        elif isinstance(node, ast.Attribute | ast.Await | ast.NamedExpr | ast.Lambda):
            return None
        elif isinstance(node, ast.Name) and node.id != "len":
            names.add(node.id)
    return names


def _changed(names: set[str], inside: list[ast.AST]) -> bool:
    """Whether statements may change one of the names, or what it holds, or end the program."""
    for node in inside:
        if isinstance(node, ast.Global | ast.Nonlocal):
            return True
        if isinstance(node, ast.Name) and node.id in names and not isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.Call):
            name = called_name(node)
            if name in _ENDS:
                return True
            given = [node.func, *node.args, *(one.value for one in node.keywords)]
            looks = name in ("len", "print", "str", "repr") and isinstance(node.func, ast.Name)
            if not looks and any(dotted(one).partition(".")[0] in names for one in given):
                return True
        stored = isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(
            node.ctx, ast.Load
        )
        if stored and dotted(node.value).partition(".")[0] in names:  # type: ignore[attr-defined]
            return True
    return False


def _way_out(body: list[ast.stmt], inside: list[ast.AST]) -> bool:
    """Whether a loop may be left. Behind a condition that never changes it is left at once or
    never."""
    for statement in body:
        if not any(isinstance(node, _LEAVES) for node in walk(statement)):
            continue
        if not isinstance(statement, ast.If) or statement.orelse:
            return True
        names = _plain(statement.test)
        if names is None or _changed(names, inside):
            return True
    return False


def _standing_still(code: Code) -> Iterator[Match]:
    """`while i < len(xs)` whose body moves neither."""
    for loop in code.nodes_of(ast.While):
        if not isinstance(loop.test, ast.Compare) and not _is_own_flag(code, loop.test):
            continue
        names, inside = _plain(loop.test), _inside(loop)
        if not names or _changed(names, inside) or _way_out(loop.body, inside):
            continue
        yield Match(loop, "nothing in the loop changes what its condition looks at")


def _is_own_flag(code: Code, test: ast.expr) -> bool:
    """Whether a condition is a variable (or `not` one) that its function sets, to literals."""
    name = test.operand if isinstance(test, ast.UnaryOp) else test
    function = function_around(code, test)
    if not isinstance(name, ast.Name) or function is None:
        return False
    inner = [one for one in walk(function) if isinstance(one, ast.Global | ast.Nonlocal)]
    stores = [
        one
        for one in walk(function)
        if isinstance(one, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name.id for target in one.targets)
    ]
    return (
        bool(stores)
        and not inner
        and all(
            isinstance(one.value, ast.Constant) and isinstance(one.value.value, bool)
            for one in stores
        )
    )


def _stepped_over(code: Code) -> Iterator[Match]:
    """`while n != 0: n -= 2`, `while x != 1.0: x += 0.1`."""
    for loop in code.nodes_of(ast.While):
        test, inside = loop.test, _inside(loop)
        if (
            not isinstance(test, ast.Compare)
            or not isinstance(test.left, ast.Name)
            or not isinstance(test.ops[0], ast.NotEq)
            or len(test.ops) > 1
            or any(isinstance(node, _LEAVES) for node in inside)
        ):
            continue
        name = test.left.id
        writes = [
            node
            for node in inside
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        ]
        steps = [
            node
            for node in loop.body
            if isinstance(node, ast.AugAssign)
            and dotted(node.target) == name
            and isinstance(node.op, ast.Add | ast.Sub)
            and isinstance(node.value, ast.Constant)
        ]
        if len(steps) == len(writes) == 1 and steps[0].value.value not in (1, -1):  # type: ignore[attr-defined]
            yield Match(loop, "a step may pass the one value that ends the loop")


def _silent_peer(code: Code) -> Iterator[Match]:
    """`recv` gives nothing, at once and for ever, when the peer has gone."""
    if code.imports and not code.uses_module("socket", "socketserver"):
        return
    if code.uses_module("zmq", "multiprocessing"):
        return
    for loop in code.nodes_of(ast.While):
        inside = _inside(loop)
        names = {called_name(node) for node in inside}
        if (
            not isinstance(loop.test, ast.Constant)
            or "recv" not in names
            or names & (_MAY_FAIL | _ENDS | {"accept", "select"})
            or any(isinstance(node, (*_LEAVES, ast.Subscript)) for node in inside)
        ):
            continue
        yield Match(loop, "when the peer closes, recv gives nothing and the loop spins")


def _tried_for_ever(code: Code) -> Iterator[Match]:
    """`while True` around a `try` that only success leaves, without a pause."""
    for loop in code.nodes_of(ast.While):
        if not isinstance(loop.test, ast.Constant) or len(loop.body) != 1:
            continue
        attempt = loop.body[0]
        if not isinstance(attempt, ast.Try) or not attempt.handlers or attempt.finalbody:
            continue
        inside = _inside(loop)
        handled = [node for one in attempt.handlers for part in one.body for node in walk(part)]
        calls = [node for part in attempt.body for node in walk(part) if isinstance(node, ast.Call)]
        if any(isinstance(node, (*_LEAVES, ast.AugAssign)) for node in handled):
            continue
        if {called_name(node) for node in inside} & (_PAUSES | _ENDS | {"accept", "recv"}):
            continue
        if any(isinstance(node, ast.Await | ast.Yield) for node in inside):
            continue
        if any(called_name(one) in _ATTEMPTS and _goes_out(code, one) for one in calls):
            yield Match(loop, "what fails is tried again at once, without a limit", cwes=(835, 400))


def _goes_out(code: Code, node: ast.Call) -> bool:
    call = code.call_at(node)
    return call is not None and any(call.fits(one) for one in _CLIENTS)


def _fed_while_read(code: Code) -> Iterator[Match]:
    """`for x in xs: xs.append(...)`."""
    for loop in code.nodes_of(ast.For):
        if not isinstance(loop.iter, ast.Name):
            continue
        if any(isinstance(node, (*_LEAVES, ast.Continue)) for node in _inside(loop)):
            continue
        for statement in loop.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if (
                isinstance(call, ast.Call)
                and called_name(call) in ("append", "extend")
                and dotted(call.func).partition(".")[0] == loop.iter.id
            ):
                yield Match(loop, "every round adds another to the list that is gone through")


RULE = FlowRule(
    id="loop-without-progress",
    title="Loop that never ends",
    cwes=(835,),
    severity="medium",
    severity_reason="The program hangs, or holds a processor for as long as it runs.",
    fix="Move what the condition looks at in every round, compare with < or >, leave when there is"
    " nothing more to read, and limit how often something is tried again.",
    reference="https://cwe.mitre.org/data/definitions/835.html",
    detectors=(_standing_still, _stepped_over, _silent_peer, _tried_for_ever, _fed_while_read),
    insecure=(
        """
def wait_for(door):
    opened = False
    while not opened:
        print("waiting for", door)
""",
        """
def find(values, wanted):
    index = 0
    while index < len(values):
        if values[index] == wanted:
            return index
    return -1
""",
        """
def halve(count):
    while count != 0:
        print(count)
        count -= 2
""",
        """
import socket

def echo(link: socket.socket):
    while True:
        data = link.recv(1024)
        link.sendall(data)
""",
        """
import requests

def read(address):
    while True:
        try:
            return requests.get(address, timeout=5).json()
        except requests.RequestException:
            print("once more")
""",
    ),
    secure=(
        """
def wait_for(door):
    opened = False
    while not opened:
        opened = door.is_open()
""",
        """
def find(values, wanted):
    index = 0
    while index < len(values):
        if values[index] == wanted:
            return index
        index += 1
    return -1
""",
        """
def halve(count):
    while count > 0:
        print(count)
        count -= 2
""",
        """
import socket

def echo(link: socket.socket):
    while True:
        data = link.recv(1024)
        if not data:
            break
        link.sendall(data)
""",
        """
import time
import requests

def read(address):
    for attempt in range(5):
        try:
            return requests.get(address, timeout=5).json()
        except requests.RequestException:
            time.sleep(2**attempt)
    raise TimeoutError(address)
""",
        """
def spread(start, links):
    waiting = [start]
    for node in waiting:
        for other in links[node]:
            if other not in waiting:
                waiting.append(other)
    return waiting
""",
    ),
)
