"""Loops and checks that go one element too far."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.form import called_name
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import Function, caught_in, functions, within
from purpcode.analyzers.flow.tree import walk

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_REFUSES = frozenset(("abort", "exit", "_exit", "send_error"))


def _beyond(code: Code) -> Iterator[Match]:
    """`items[len(items)]` is never there."""
    for node in code.nodes_of(ast.Subscript):
        counted = _length_of(node.slice) if isinstance(node.ctx, ast.Load) else ""
        if counted and counted == ast.unparse(node.value):
            yield Match(node, "the element behind the last one is read")


def _loops(code: Code) -> Iterator[Match]:
    for function in functions(code):
        for node in within(function):
            index, limit = _last_step(node)
            if not index or not isinstance(node, ast.For | ast.While):
                continue
            sized = _sized(function)
            for use in _reads(node.body, index):
                held = ast.unparse(use.value)
                if limit in (f"len({held})", sized.get(held)) and not _is_caught(function, use):
                    if not _looked_at(node.body, index):
                        yield Match(use, "the loop's last step is behind the last element")
                    break


def _neighbours(code: Code) -> Iterator[Match]:
    """`items[i + 1]` where `i` runs through all of `range(len(items))`."""
    for function in functions(code):
        for loop in within(function):
            if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
                continue
            index, held = loop.target.id, _whole_length(loop.iter)
            if not held or _looked_at(loop.body, index) or _leaves_early(loop, index):
                continue
            for node in within(loop.body):
                if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
                    continue
                behind = ast.unparse(node.slice) == f"{index} + 1"
                if behind and ast.unparse(node.value) == held and not _is_caught(function, node):
                    yield Match(node, "the last element has no neighbour behind it")
                    break


def _whole_length(node: ast.expr) -> str:
    """The sequence of `range(len(sequence))`, "" of anything else."""
    if isinstance(node, ast.Call) and called_name(node) == "range" and len(node.args) == 1:
        return _length_of(node.args[0])
    return ""


def _leaves_early(loop: ast.For, index: str) -> bool:
    """Whether the loop or a condition in it asks about something made of its index."""
    for node in within(loop.body):
        if isinstance(node, ast.Compare):
            parts = [one for one in _sides(node) if not isinstance(one, ast.Subscript)]
            named = {one.id for part in parts for one in walk(part) if isinstance(one, ast.Name)}
            if index in named or "len" in named:
                return True
        elif isinstance(node, ast.Break):
            return True
    return False


def _checks(code: Code) -> Iterator[Match]:
    """`if i > len(items): refuse` lets the index `len(items)` through."""
    for function in functions(code):
        for node in within(function):
            if not isinstance(node, ast.If) or node.orelse or not _leaves(node.body):
                continue
            for index, limit in _too_late(node.test):
                for use in _reads([function], index):
                    behind = use.lineno > node.lineno and limit == ast.unparse(use.value)
                    if behind and not _is_caught(function, use):
                        yield Match(use, "the check before lets the index after the last through")
                        break


def _is_caught(function: Function, node: ast.AST) -> bool:
    return id(node) in caught_in(function, "IndexError", "LookupError")


def _too_late(test: ast.expr) -> Iterator[tuple[str, str]]:
    """(index, sequence) of every `index > len(sequence)` that alone makes a test true."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
    for one in parts:
        if (
            isinstance(one, ast.Compare)
            and len(one.ops) == 1
            and isinstance(one.ops[0], ast.Gt)
            and isinstance(one.left, ast.Name)
        ):
            yield one.left.id, _length_of(one.comparators[0])


def _leaves(body: list[ast.stmt]) -> bool:
    last = body[-1]
    return isinstance(last, _LEAVES) or (
        isinstance(last, ast.Expr) and called_name(last.value) in _REFUSES
    )


def _last_step(node: ast.AST) -> tuple[str, str]:
    """(index, bound that the index reaches) of a loop, ("", "") of others."""
    if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
        if called_name(node.iter) == "range" and isinstance(node.iter, ast.Call):
            given = node.iter.args
            end = given[1] if len(given) == 2 else given[0] if len(given) == 1 else None
            if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add) and _is_one(end.right):
                return node.target.id, ast.unparse(end.left)
    elif isinstance(node, ast.While) and isinstance(node.test, ast.Compare):
        test = node.test
        if (
            len(test.ops) == 1
            and isinstance(test.ops[0], ast.LtE)
            and isinstance(test.left, ast.Name)
        ):
            return test.left.id, ast.unparse(test.comparators[0])
    return "", ""


def _sized(function: Function) -> dict[str, str]:
    """Names of lists made as `[x] * n`, with their `n`."""
    found: dict[str, str] = {}
    for node in within(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            made = node.value
            if (
                isinstance(made.op, ast.Mult)
                and isinstance(made.left, ast.List)
                and len(made.left.elts) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                found[node.targets[0].id] = ast.unparse(made.right)
    return found


def _reads(body: list[ast.stmt] | list[Function], index: str) -> Iterator[ast.Subscript]:
    for node in within(body[0] if isinstance(body[0], Function) else body):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Name)
            and node.slice.id == index
        ):
            yield node


def _looked_at(body: list[ast.stmt], index: str) -> bool:
    """Whether the loop asks about its index itself, or moves it before it is used."""
    return any(
        isinstance(node, ast.Compare | ast.AugAssign)
        and any(isinstance(one, ast.Name) and one.id == index for one in _sides(node))
        and (isinstance(node, ast.Compare) or node is body[0])
        for node in within(body)
    )


def _sides(node: ast.Compare | ast.AugAssign) -> list[ast.expr]:
    return [node.target] if isinstance(node, ast.AugAssign) else [node.left, *node.comparators]


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _length_of(node: ast.AST) -> str:
    """What `len(...)` is taken of, as written; "" of anything else."""
    if isinstance(node, ast.Call) and called_name(node) == "len" and len(node.args) == 1:
        return ast.unparse(node.args[0])
    return ""


RULE = FlowRule(
    id="off-by-one",
    title="One element too far",
    cwes=(193, 125),
    severity="medium",
    severity_reason="The program fails, or reads what is not its, at the last step.",
    fix="Let indexes end before the length: range(len(items)), i < len(items).",
    reference="https://cwe.mitre.org/data/definitions/193.html",
    detectors=(_beyond, _loops, _neighbours, _checks),
    insecure=(
        """
def rises(values):
    for i in range(len(values)):
        if values[i] > values[i + 1]:
            return False
    return True
""",
        """
def weights(parts):
    heaviest = 0
    for i in range(len(parts) + 1):
        heaviest = max(heaviest, parts[i])
    return heaviest
""",
        """
def copied(source, size):
    target = [None] * size
    place = 0
    while place <= size:
        target[place] = source[place]
        place += 1
    return target
""",
        """
from flask import Flask, request

app = Flask(__name__)
SEATS = ["front", "middle", "back"]

@app.route("/seat")
def seat():
    number = int(request.args["number"])
    if number < 0 or number > len(SEATS):
        return "no such seat", 404
    return SEATS[number]
""",
        """
def newest(entries):
    return entries[len(entries)]
""",
    ),
    secure=(
        """
def rises(values):
    for i in range(len(values)):
        if i + 1 < len(values) and values[i] > values[i + 1]:
            return False
    return True
""",
        """
def weights(parts):
    heaviest = 0
    for i in range(len(parts)):
        heaviest = max(heaviest, parts[i])
    return heaviest
""",
        """
def windows(text):
    found = []
    for end in range(len(text) + 1):
        found.append(text[:end])
    return found
""",
        """
from flask import Flask, request

app = Flask(__name__)
SEATS = ["front", "middle", "back"]

@app.route("/seat")
def seat():
    number = int(request.args["number"])
    if number < 0 or number >= len(SEATS):
        return "no such seat", 404
    return SEATS[number]
""",
        """
def counted(limit):
    table = [0] * (limit + 1)
    for i in range(limit + 1):
        table[i] = i * i
    return table
""",
        """
def merged(left, right):
    result = []
    for i in range(len(left) + 1):
        if i == len(left):
            result.extend(right)
        else:
            result.append(left[i])
    return result
""",
    ),
)
