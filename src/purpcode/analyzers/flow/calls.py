"""Evaluates calls: what is called, with what, and what comes of it."""

from __future__ import annotations

import ast
import re

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.containers import mutate
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.lookup import attribute_names, element_of, named_value
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.naming import last_part
from purpcode.analyzers.flow.special_calls import SPECIAL_CALLS
from purpcode.analyzers.flow.texts import text_method
from purpcode.analyzers.flow.values import NOTHING, Taint, Value, union

_WRAPPERS = re.compile(r"(?i)request|wrap|form|serializer|parse")
"""Names of functions that give back the request's data in another dress."""
_LOOKUPS = frozenset(("get", "pop", "setdefault"))
_NAMESPACES = frozenset(("globals()", "locals()", "vars()", "sys.modules"))
"""Mappings of everything there is: whoever chooses the key chooses the code."""
_FIRST_ARGUMENT_CALLED = frozenset(
    ("map", "filter", "asyncio.to_thread", "functools.reduce", "anyio.to_thread.run_sync")
)


def evaluate_call(machine: Machine, env: Environment, node: ast.Call) -> Value:
    """The value of a call; records it."""
    receiver, names, callee = _callee(machine, env, node)
    args = tuple(machine.evaluate(env, one) for one in node.args)
    keywords = {}
    unpacked = []
    for one in node.keywords:
        value = machine.evaluate(env, one.value)
        if one.arg is not None:
            keywords[one.arg] = value
            continue
        unpacked.append(value)
        if value.fields:
            keywords.update(value.fields)
    spread = any(isinstance(one, ast.Starred) for one in node.args) or any(
        one.arg is None for one in node.keywords
    )
    draft = Call(
        node, names, receiver, args, keywords, machine.scope, NOTHING, spread, callee=callee
    )
    result = _result(machine, env, draft)
    machine.code.calls.append(
        Call(
            node, names, receiver, args, keywords, machine.scope, result, spread,
            id(node) in machine.managed, callee, tuple(unpacked),
        )
    )  # fmt: skip
    return result


def callee_names(machine: Machine, env: Environment, node: ast.Call) -> frozenset[str]:
    """The names a call's callee may be, without recording anything."""
    return _callee(machine, env, node)[1]


def namespace_member(env: Environment, base: Value, key: str) -> set[str]:
    """The names behind `globals()["x"]`, `vars(os)["system"]`, `sys.modules["os"]` ..."""
    found: set[str] = set()
    for name in base.names:
        if name in ("globals()", "locals()", "vars()"):
            value = env.find(key)
            found |= value.names if value is not None else {key}
        elif name == "sys.modules" or name in ("__builtins__", "builtins.__dict__"):
            found.add(key)
        elif name.endswith(".__dict__"):
            found.add(f"{name.removesuffix('.__dict__')}.{key}")
    return found


def _callee(
    machine: Machine, env: Environment, node: ast.Call
) -> tuple[Value, frozenset[str], Value]:
    func = node.func
    if not isinstance(func, ast.Attribute):
        callee = machine.evaluate(env, func)
        return NOTHING, callee.names or frozenset({"?"}), callee
    receiver = machine.evaluate(env, func.value)
    path = path_of(func)
    bound = env.find(path) if path is not None else None
    if bound is not None and bound.names:
        return receiver, bound.names, bound
    canonical = machine.library.canonical
    names = frozenset(canonical(name) for name in attribute_names(receiver, func.attr))
    for name in names:
        if name in machine.attributes:
            names |= machine.attributes[name].names
    return receiver, names, NOTHING


def _result(machine: Machine, env: Environment, call: Call) -> Value:
    for name in call.names:
        special = SPECIAL_CALLS.get(name)
        if special is not None:
            value = special(machine, env, call)
            if value is not None:
                return value
    asked = _operator_result(machine, call)
    if asked is not None:
        return asked
    _hand_over(machine, env, call)
    local = [name for name in call.names if name.startswith("@")]
    for name in local:
        value = _local_result(machine, call, name)
        if value is not None:
            return value
    if isinstance(call.node.func, ast.Attribute):
        value = text_method(call, call.node.func.attr)
        if value is not None:
            return value
        value = mutate(machine, env, call, call.node.func)
        if value is not None:
            return value
    return _outside_result(machine, call)


def _operator_result(machine: Machine, call: Call) -> Value | None:
    """`attrgetter("x")(obj)` is `obj.x`, `methodcaller("x", a)(obj)` is `obj.x(a)`."""
    if not call.args or not isinstance(call.node.func, ast.Call | ast.Name):
        return None
    for name in call.names:
        maker, bracket, attribute = name.removesuffix(")").partition("(")
        if not bracket or maker not in ("operator.attrgetter", "operator.methodcaller"):
            continue
        names = {machine.library.canonical(n) for n in attribute_names(call.args[0], attribute)}
        if maker == "operator.attrgetter":
            return named_value(machine, names, call.node.lineno, call.args[0])
        made = Call(
            call.node, frozenset(names), call.args[0], call.callee.items or (), {}, machine.scope,
            NOTHING,
        )  # fmt: skip
        machine.code.calls.append(made)
        return _outside_result(machine, made)
    return None


def _outside_result(machine: Machine, call: Call) -> Value:
    """What a function outside the program gives: its result may carry all it was given."""
    given = (*call.args, *call.keywords.values())
    looked_up = isinstance(call.node.func, ast.Attribute) and call.node.func.attr in _LOOKUPS
    if looked_up and not call.receiver.names & _NAMESPACES:
        given = given[1:]  # the key chooses among what the mapping holds
    taints = union((call.receiver, *given))
    if any("web.request" in one.names for one in call.args) and _wraps_a_request(call):
        taints = taints | {Taint("request", call.node.lineno, "web.request")}
    names = frozenset(f"{name}()" for name in call.names)
    if taints:
        if any(machine.library.is_silent(name) for name in call.names):
            taints = frozenset()
        else:
            tokens = set(call.names)
            if isinstance(call.node.func, ast.Attribute):
                tokens.add(f".{call.node.func.attr}")
            if "type" in call.keywords:
                tokens |= call.keywords["type"].names  # `request.args.get("n", type=int)`
            taints = frozenset(one.through(tokens) for one in taints)
    return named_value(machine, names, call.node.lineno, Value(taints))


def _wraps_a_request(call: Call) -> bool:
    return any(_WRAPPERS.search(last_part(name)) for name in call.names)


def _local_result(machine: Machine, call: Call, name: str) -> Value | None:
    if name.startswith("@") and name[1:] in machine.classes:
        return _constructed(machine, call, name)
    function = machine.method(name)
    if function is None:
        return None
    receiver = call.receiver if isinstance(call.node.func, ast.Attribute) else None
    # Its name says nothing: its body was followed, and a `sanitize` that does nothing is seen.
    return machine.run(function, receiver, call)


def _constructed(machine: Machine, call: Call, name: str) -> Value:
    cls = machine.classes[name[1:]]
    bases = {f"{base}()" for base in cls.bases}
    value = Value(names=frozenset({f"{name}()", *bases}))
    start = machine.method(f"{name}().__init__")
    if start is not None:
        machine.run(start, value, call)
        return value
    for field, given in call.keywords.items():
        machine.remember_attribute(frozenset({f"{name}().{field}"}), given)
    return value.tainted_by(union((*call.args, *call.keywords.values())))


def _hand_over(machine: Machine, env: Environment, call: Call) -> None:
    """Functions handed to a caller (`map`, threads, executors) are called with what goes along."""
    callee: Value | None = None
    arguments: tuple[Value, ...] = ()
    if call.names & _FIRST_ARGUMENT_CALLED and call.args:
        callee = call.args[0]
        several = call.names & {"map", "filter", "functools.reduce"}
        arguments = tuple(element_of(one) if several else one for one in call.args[1:])
    elif any(name.endswith((".submit", ".apply_async")) for name in call.names) and call.args:
        callee, arguments = call.args[0], call.args[1:]
    elif any(name.endswith(".run_in_executor") for name in call.names) and len(call.args) > 1:
        callee, arguments = call.args[1], call.args[2:]
    elif "target" in call.keywords:
        callee = call.keywords["target"]
        handed = call.keywords.get("args")
        arguments = handed.items or () if handed is not None else ()
    if callee is None or not callee.names:
        return
    handed_over = Call(call.node, callee.names, NOTHING, arguments, {}, machine.scope, NOTHING)
    machine.code.calls.append(handed_over)
    for name in callee.names:
        if name.startswith("@"):
            _local_result(machine, handed_over, name)
    del env
