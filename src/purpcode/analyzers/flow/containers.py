"""What a program does to its containers: elements come and go, entries are set by key."""

from __future__ import annotations

import ast

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.values import MAX_ITEMS, NOTHING, Value, union

_TAKES_IN = frozenset(
    ("append", "extend", "add", "insert", "update", "write", "writelines", "appendleft", "put")
)


def mutate(machine: Machine, env: Environment, call: Call, func: ast.Attribute) -> Value | None:
    """Note what a method call does to its receiver: `xs.append(x)` puts x into xs. Returns the
    call's own result where that is known, as of `xs.pop()`."""
    path = path_of(func.value)
    if path is None:
        return None
    items = call.receiver.items
    if items is not None and func.attr in _LISTS:
        left, result = _LISTS[func.attr](items, call)
        if left is not None:
            env.values[path] = Value(union(left), call.receiver.names, items=left)
            return result
    keyed = _keyed_entry(env, call, func, path)
    if keyed is not None:
        return keyed
    taints = union((*call.args, *call.keywords.values()))
    if func.attr in _TAKES_IN and taints:
        held = Value(call.receiver.taints, call.receiver.names).tainted_by(taints)
        env.values[path] = held
        machine.remember_attribute(frozenset(n for n in held.names if n.startswith("@")), held)
    return None


def _keyed_entry(env: Environment, call: Call, func: ast.Attribute, path: str) -> Value | None:
    """`store.set(section, key, value)` and the `get` that reads it back."""
    keys = [one.const for one in call.args[:2]]
    if len(keys) != 2 or not all(isinstance(key, str) for key in keys):
        return None
    entry = f"{path}[{keys[0]!r}][{keys[1]!r}]"
    if func.attr == "set" and len(call.args) == 3:
        env.assign(entry, call.args[2])
        return NOTHING
    return env.find(entry) if func.attr == "get" else None


_Outcome = tuple[tuple[Value, ...] | None, Value]


def _append(items: tuple[Value, ...], call: Call) -> _Outcome:
    if len(call.args) != 1 or len(items) >= MAX_ITEMS:
        return None, NOTHING
    return (*items, call.args[0]), NOTHING


def _insert(items: tuple[Value, ...], call: Call) -> _Outcome:
    place = call.args[0].const if len(call.args) == 2 else None
    if type(place) is not int or len(items) >= MAX_ITEMS:
        return None, NOTHING
    changed = list(items)
    changed.insert(place, call.args[1])
    return tuple(changed), NOTHING


def _pop(items: tuple[Value, ...], call: Call) -> _Outcome:
    place = call.args[0].const if call.args else -1
    if type(place) is not int or not -len(items) <= place < len(items):
        return None, NOTHING
    changed = list(items)
    taken = changed.pop(place)
    return tuple(changed), taken


_LISTS = {"append": _append, "insert": _insert, "pop": _pop}
