"""Shapes of syntax that rules about decisions look at: functions, tests, guards, outside names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.tree import children, walk
from purpcode.analyzers.flow.values import SourceKind, Value

Function = ast.FunctionDef | ast.AsyncFunctionDef

_ACCESS = re.compile(
    r"(?i)(^|_)(role|roles|admin|superuser|is_staff|permission|permissions|perms?|privileges?|"
    r"authori[sz]ed|authenticated|logged_in|owner|owner_id|allowed|access|access_level|entitled|"
    r"password|token|signature|trusted|verified|locked|banned|session_valid|can_[a-z]+|auth)($|_)"
)
_CHECK = re.compile(
    r"(?i)^_*(is|are|has|can|may|user_is|user_has|user_can)_?(valid|allowed|authori[sz]ed|admin|owner|"
    r"authenticated|permitted|trusted|safe|verified|permissions?|access|role|right|edit|delete|view|"
    r"read|write|login|logged_in)|^_*(verify|validate|authenticate|authori[sz]e)|"
    r"^_*check_?(password|passwd|pw|permissions?|access|auth|authori[sz]ation|token|signature|login|"
    r"credentials?|role|rights|certificate|mac|hmac|session|csrf|api_?key|owner)"
)
_VERBS = frozenset(
    ("get", "post", "put", "patch", "delete", "do_GET", "do_POST", "do_PUT", "do_DELETE")
)
_BROAD = frozenset(("Exception", "BaseException"))


def functions(code: Code) -> Iterator[Function]:
    """Every function of a program."""
    found: list[Function] = code.nodes_of(ast.FunctionDef, ast.AsyncFunctionDef)
    yield from found


def within(root: ast.AST | Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a function or of statements, without those of functions and classes in it."""
    if not isinstance(root, ast.AST):
        return iter(_inside(list(root)))
    known: list[ast.AST] | None = root.__dict__.get(_KEPT)
    if known is None:
        known = _inside(list(children(root)))
        root.__dict__[_KEPT] = known
    return iter(known)


_KEPT, _KEPT_TESTS = "nodes_within", "tests_within"
"""Where a node keeps what `within` and `tests_of` found: many rules ask it of one function."""
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_DECIDERS = (ast.If, ast.While, ast.IfExp, ast.Assert)


def _inside(waiting: list[ast.AST]) -> list[ast.AST]:
    found: list[ast.AST] = []
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, _INNER):
            waiting += children(node)
    return found


def dotted(node: ast.AST) -> str:
    """How a name, an attribute or a call is spelled, without arguments: `a.b`; "" for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    if isinstance(node, ast.Call):
        return dotted(node.func)
    return ""


def last_name(node: ast.AST) -> str:
    """The last part of how a callee or variable is spelled."""
    return dotted(node).rpartition(".")[2]


def identifiers(node: ast.AST) -> set[str]:
    """All names and attributes an expression mentions, and the texts it uses as keys."""
    found: set[str] = set()
    for one in walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
        elif isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            found.add(str(one.slice.value))
    return found


def speaks_of_access(node: ast.AST) -> bool:
    """Whether an expression mentions what access is decided by: a role, a password."""
    return any(_ACCESS.search(name) for name in identifiers(node))


def names_a_check(name: str) -> bool:
    """Whether a function of that name answers whether something is allowed, valid or genuine."""
    return bool(_CHECK.search(name))


def answers_requests(code: Code, function: Function) -> bool:
    """Whether a function is called with a request from outside."""
    scope = next((one for one in code.scopes if one.node is function), None)
    if scope is None:
        return False
    names = [one.arg for one in function.args.args]
    if scope.owner is not None:
        names = names[1:]
    as_method = scope.owner is not None and function.name in _VERBS
    return (
        scope.handler or as_method or names[:1] == ["request"] or names[:2] == ["event", "context"]
    )


def is_test_code(code: Code, function: Function | None = None) -> bool:
    """Whether this is a test, which asserts and compares by trade."""
    return code.uses_module("pytest", "unittest") or (
        function is not None and function.name.startswith("test")
    )


def decorator_names(function: Function) -> set[str]:
    """How the decorators of a function are spelled."""
    return {dotted(one) for one in function.decorator_list}


def has_kind(value: Value, *kinds: SourceKind) -> bool:
    """Whether a value carries outside data of one of the kinds."""
    return any(taint.kind in kinds for taint in value.taints)


def outside_names(code: Code, function: Function, *through: str) -> set[str]:
    """Variables of a function that hold data of a request or peer; with `through`, only what went
    through one of these functions (`int`)."""
    found: set[str] = set()
    for store in code.stores:
        if store.scope.node is function and isinstance(store.path, str):
            for taint in store.value.taints:
                fits = not through or taint.passed.intersection(through)
                if taint.kind in ("request", "network") and fits:
                    found.add(store.path)
    return found


def outside_numbers(code: Code, function: Function) -> set[str]:
    """Variables of a function that hold a number from a request, parsed or declared."""
    found = outside_names(code, function, "int", "float", "decimal.Decimal")
    if any(one.node is function and one.handler for one in code.scopes):
        given = [*function.args.args, *function.args.kwonlyargs]
        bounded = {
            one.arg
            for one, default in zip(
                reversed(function.args.args), reversed(function.args.defaults), strict=False
            )
            if isinstance(default, ast.Call)
        }
        for one in given:
            is_number = isinstance(one.annotation, ast.Name) and one.annotation.id in (
                "int",
                "float",
            )
            if is_number and one.arg not in bounded:
                found.add(one.arg)
    return found


def tested_names(function: Function) -> set[str]:
    """Variables of a function that some test, `min`, `max` or assertion looks at."""
    found: set[str] = set()
    for node in within(function):
        if isinstance(node, ast.Compare):
            found |= identifiers(node)
        elif isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            found |= identifiers(node.test)
        elif isinstance(node, ast.BoolOp):
            found |= identifiers(node)
        elif isinstance(node, ast.Match):
            found |= identifiers(node.subject)
        elif isinstance(node, ast.Call):
            name = last_name(node.func)
            if name in ("min", "max", "clamp", "abs") or names_a_check(name):
                found |= {one for arg in node.args for one in identifiers(arg)}
    return found


def caught_in(root: Function | ast.Module, *exceptions: str) -> set[int]:
    """Ids of the nodes that stand in a `try` which catches one of the exceptions (or all)."""
    found: set[int] = set()
    for node in walk(root):
        if isinstance(node, ast.Try | ast.TryStar) and any(
            caught_names(one) & {*exceptions, *_BROAD} for one in node.handlers
        ):
            for one in node.body:
                found |= {id(inner) for inner in walk(one)}
    return found


def caught_names(handler: ast.ExceptHandler) -> set[str]:
    """The last parts of the names of the exceptions a handler catches."""
    if handler.type is None:
        return set(_BROAD)
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {last_name(one) for one in kinds}


def does_nothing(statements: list[ast.stmt]) -> bool:
    """Whether statements are only `pass`, `...`, `continue` or texts."""
    return all(
        isinstance(one, ast.Pass | ast.Continue)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in statements
    )


def tests_of(function: ast.AST) -> Iterator[ast.expr]:
    """The expressions that decide something: tests of `if`, `while`, `assert` and conditionals."""
    known: list[ast.expr] | None = function.__dict__.get(_KEPT_TESTS)
    if known is None:
        known = [node.test for node in within(function) if isinstance(node, _DECIDERS)]
        function.__dict__[_KEPT_TESTS] = known
    return iter(known)


def passed(value: Value, *tokens: str) -> bool:
    """Whether outside data in a value went through one of the functions or tests."""
    return any(taint.passed.intersection(tokens) for taint in value.taints)


def walk_value(value: Value) -> Iterator[Value]:
    """A value and all values in its sequence and mapping displays."""
    yield value
    for one in (*(value.items or ()), *(value.fields or {}).values()):
        yield from walk_value(one)
