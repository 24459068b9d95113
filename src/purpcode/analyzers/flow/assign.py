"""Binds values to the targets of assignments, loops and `with`, and records the stores."""

from __future__ import annotations

import ast

from purpcode.analyzers.flow.code import Store
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.lookup import attribute_names, element_of
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.values import NOTHING, UNKNOWN, Value

_TESTS = (ast.Call, ast.Compare, ast.BoolOp, ast.UnaryOp)
"""Expressions whose outcome is remembered as a condition on what they were assigned to."""


def assign_target(
    machine: Machine, env: Environment, target: ast.expr, value: Value, source: ast.expr | None
) -> None:
    """Bind a value to a target of an assignment, loop or `with`, and record the store."""
    if isinstance(target, ast.Tuple | ast.List):
        _unpack(machine, env, target, value, source)
        return
    if isinstance(target, ast.Starred):
        assign_target(machine, env, target.value, value, source)
        return
    path = path_of(target)
    names: set[str] = set()
    key: object = UNKNOWN
    index = NOTHING
    if isinstance(target, ast.Name):
        names = {target.id}
    elif isinstance(target, ast.Attribute):
        names = attribute_names(machine.evaluate(env, target.value), target.attr)
        machine.remember_attribute(frozenset(names), value)
    elif isinstance(target, ast.Subscript):
        base = machine.evaluate(env, target.value)
        index = machine.evaluate(env, target.slice)
        key = index.const
        names = {f"{name}[]" for name in base.names} or {"?[]"}
        _store_item(machine, env, target, base, value)
    machine.code.stores.append(
        Store(target, frozenset(names), path, key, value, machine.scope, source, index)
    )
    if path is not None:
        env.assign(path, value, source if isinstance(source, _TESTS) else None)


def _store_item(
    machine: Machine, env: Environment, target: ast.Subscript, base: Value, value: Value
) -> None:
    """A container carries the outside data stored in it; its display is no longer the whole."""
    owner = path_of(target.value)
    if owner is None:
        return
    fields = dict(base.fields) if base.fields is not None else {}
    if isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str):
        fields[target.slice.value] = value
    held = Value(base.taints | value.taints, base.names, fields=fields or None)
    env.assign(owner, held)
    machine.remember_attribute(frozenset(name for name in base.names if name.startswith("@")), held)


def _unpack(
    machine: Machine,
    env: Environment,
    target: ast.Tuple | ast.List,
    value: Value,
    source: ast.expr | None,
) -> None:
    parts = value.items
    elements = source.elts if isinstance(source, ast.Tuple | ast.List) else None
    exact = parts is not None and len(parts) == len(target.elts)
    for index, one in enumerate(target.elts):
        part = parts[index] if exact and parts is not None else element_of(value, index)
        origin = elements[index] if elements and len(elements) == len(target.elts) else None
        assign_target(machine, env, one, part, origin)
