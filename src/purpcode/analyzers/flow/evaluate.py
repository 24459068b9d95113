"""Evaluates expressions over abstract values."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from purpcode.analyzers.flow import calls, conditions
from purpcode.analyzers.flow.assign import assign_target
from purpcode.analyzers.flow.code import Comparison, Display, Returned
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.lookup import attribute_names, element_of, named_value
from purpcode.analyzers.flow.machine import LocalFunction, Machine
from purpcode.analyzers.flow.operations import added, compared, computed, formatted
from purpcode.analyzers.flow.tree import children, walk
from purpcode.analyzers.flow.values import (
    MAX_ITEMS,
    NOTHING,
    Value,
    joined,
    literal,
    union,
)

BUILTINS = frozenset(dir(builtins))

Evaluator = Callable[[Machine, Environment, Any], Value]


def evaluate(machine: Machine, env: Environment, node: ast.expr) -> Value:
    """The abstract value of an expression. Raises TooComplex."""
    machine.step()
    return _EVALUATORS.get(type(node), _unknown)(machine, env, node)


def _unknown(machine: Machine, env: Environment, node: ast.expr) -> Value:
    values = [evaluate(machine, env, one) for one in _children(node)]
    return Value(union(values))


def _children(node: ast.AST) -> list[ast.expr]:
    return [one for one in children(node) if isinstance(one, ast.expr)]


def _constant(machine: Machine, env: Environment, node: ast.Constant) -> Value:  # noqa: ARG001
    return literal(node.value)


def _name(machine: Machine, env: Environment, node: ast.Name) -> Value:
    value = env.find(node.id)
    if value is not None:
        return value
    name = node.id if node.id in BUILTINS else f"?{node.id}"
    return named_value(machine, (name,), node.lineno)


def _attribute(machine: Machine, env: Environment, node: ast.Attribute) -> Value:
    path = path_of(node)
    if path is not None:
        value = env.find(path)
        if value is not None:
            return value
    base = evaluate(machine, env, node.value)
    carried = base.passing((f".{node.attr}",)) if base.taints else base
    return named_value(machine, attribute_names(base, node.attr), node.lineno, carried)


def _subscript(machine: Machine, env: Environment, node: ast.Subscript) -> Value:
    path = path_of(node)
    if path is not None:
        value = env.find(path)
        if value is not None:
            return value
    base = evaluate(machine, env, node.value)
    if isinstance(node.slice, ast.Slice):
        return _sliced(machine, env, base, node.slice)
    key = evaluate(machine, env, node.slice)
    if isinstance(key.const, str):
        if base.fields is not None and key.const in base.fields:
            return base.fields[key.const]
        looked_up = calls.namespace_member(env, base, key.const)
        if looked_up:
            return named_value(machine, looked_up, node.lineno, base)
    if base.fields is not None and not base.taints and not key.known:
        found = NOTHING  # an entry of a literal mapping, whichever it is
        for one in base.fields.values():
            found = one if found is NOTHING else joined(found, one)
        return found
    element = element_of(base, key.const if type(key.const) is int else None)
    if key.taints and base.names & _NAMESPACES:
        return element.tainted_by(key.taints)  # the key chooses among all names there are
    return element


_NAMESPACES = frozenset(("globals()", "locals()", "vars()", "sys.modules", "__builtins__"))


def _sliced(machine: Machine, env: Environment, base: Value, node: ast.Slice) -> Value:
    bounds = [
        NOTHING if one is None else evaluate(machine, env, one)
        for one in (node.lower, node.upper, node.step)
    ]
    asked = (node.lower, node.upper, node.step)
    if isinstance(base.const, str | bytes) and all(
        one is None or type(value.const) is int for one, value in zip(asked, bounds, strict=True)
    ):
        lower, upper, step = (
            None if one is None else value.const for one, value in zip(asked, bounds, strict=True)
        )
        if step != 0:
            return literal(base.const[lower:upper:step])
    return Value(base.taints, base.names, built=base.built)


def _binary(machine: Machine, env: Environment, node: ast.BinOp) -> Value:
    left, right = evaluate(machine, env, node.left), evaluate(machine, env, node.right)
    if isinstance(node.op, ast.Add):
        return added(left, _below(node.left, right))
    is_text = left.text is not None or left.built or isinstance(node.right, ast.Tuple)
    if isinstance(node.op, ast.Mod) and is_text:
        return formatted(left, right)
    if isinstance(node.op, ast.Div):
        taints = union((left, right.passing(("path.part",))))
        names = frozenset(n for n in (left.names | right.names) if n == "pathlib.Path()")
        return Value(taints, names, built=True, prefix=left.starts_with() or left.prefix).passing(
            ("operator./",)
        )
    taints = union((left, right))
    if taints:
        return Value(taints).passing(("operator.arithmetic",))
    return computed(node.op, left.const, right.const)


def _below(before: ast.expr | None, value: Value) -> Value:
    """A part of a text that stands behind a slash: in a path it is the name of something below."""
    if isinstance(before, ast.BinOp):
        before = before.right
    text = before.value if isinstance(before, ast.Constant) else ""
    return value.passing(("path.part",)) if str(text).endswith("/") and value.taints else value


def _joined_text(machine: Machine, env: Environment, node: ast.JoinedStr) -> Value:
    result = literal("")
    parts = 0
    before: ast.expr | None = None
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = evaluate(machine, env, part.value)
            if part.format_spec is not None:
                evaluate(machine, env, part.format_spec)
            if part.conversion == ord("r"):
                value = Value(value.taints).passing(("repr",))
            elif type(value.const) is int:
                value = literal(str(value.const))
            elif not isinstance(value.const, str):
                value = Value(value.taints, built=value.built, prefix=value.prefix)
            parts += not value.known
            value = _below(before, value)
        else:
            value = evaluate(machine, env, part)
        result, before = added(result, value), part
    if parts and not result.known:
        return Value(result.taints, built=len(node.values) > 1, prefix=result.prefix)
    return result


def _sequence(machine: Machine, env: Environment, node: ast.Tuple | ast.List | ast.Set) -> Value:
    items = tuple(evaluate(machine, env, one) for one in node.elts[:MAX_ITEMS])
    for extra in node.elts[MAX_ITEMS:]:
        evaluate(machine, env, extra)
    starred = any(isinstance(one, ast.Starred) for one in node.elts)
    return Value(union(items), items=None if starred else items)


def _starred(machine: Machine, env: Environment, node: ast.Starred) -> Value:
    return evaluate(machine, env, node.value)


def _dictionary(machine: Machine, env: Environment, node: ast.Dict) -> Value:
    fields: dict[str, Value] = {}
    values: list[Value] = []
    for key, one in zip(node.keys, node.values, strict=True):
        value = evaluate(machine, env, one)
        values.append(value)
        if key is None:
            fields.update(value.fields or {})
            continue
        name = evaluate(machine, env, key)
        if isinstance(name.const, str | int):
            fields[str(name.const)] = value
    shown = Value(union(values), fields=fields)
    machine.code.displays.append(Display(node, shown, machine.scope))
    return shown


def _boolean(machine: Machine, env: Environment, node: ast.BoolOp) -> Value:
    scope = env.copy()
    result: Value | None = None
    for one in node.values:
        value = evaluate(machine, scope, one)
        result = value if result is None else joined(result, value)
        conditions.refine(machine, scope, one, isinstance(node.op, ast.And))
    return result or NOTHING


def _conditional(machine: Machine, env: Environment, node: ast.IfExp) -> Value:
    outcome = decided(machine, evaluate(machine, env, node.test), env, node.test)
    if outcome is not None:
        return evaluate(machine, env, node.body if outcome else node.orelse)
    yes, no = env.copy(), env.copy()
    conditions.refine(machine, yes, node.test, True)
    conditions.refine(machine, no, node.test, False)
    return joined(evaluate(machine, yes, node.body), evaluate(machine, no, node.orelse))


def decided(machine: Machine, value: Value, env: Environment, test: ast.expr) -> bool | None:
    """How a test comes out where that is certain: it looks at literals and at variables of this
    very scope only, since others may be changed elsewhere."""
    if type(value.const) is not bool:
        return None
    names = [one for one in walk(test) if isinstance(one, ast.Name)]
    plain = all(not isinstance(one, ast.Attribute | ast.Subscript | ast.Call) for one in walk(test))
    shared = {name for one in machine.code.nodes_of(ast.Nonlocal) for name in one.names}
    certain = (
        isinstance(test, ast.Compare)
        and plain
        and all(one.id in env.values and one.id not in shared for one in names)
    )
    return value.const if certain and env.outer is not None else None


def _compare(machine: Machine, env: Environment, node: ast.Compare) -> Value:
    left = evaluate(machine, env, node.left)
    for operator, one in zip(node.ops, node.comparators, strict=True):
        right = evaluate(machine, env, one)
        machine.code.comparisons.append(Comparison(node, left, operator, right, machine.scope))
        if len(node.ops) == 1:
            return compared(operator, left.const, right.const)
        left = right
    return NOTHING


def _unary(machine: Machine, env: Environment, node: ast.UnaryOp) -> Value:
    value = evaluate(machine, env, node.operand)
    if isinstance(node.op, ast.Not):
        return NOTHING
    if isinstance(node.op, ast.USub) and type(value.const) in (int, float):
        return literal(-value.const)
    return Value(value.taints)


def _comprehension(
    machine: Machine, env: Environment, node: ast.ListComp | ast.SetComp | ast.GeneratorExp
) -> Value:
    inner = _generators(machine, env, node.generators)
    element = evaluate(machine, inner, node.elt)
    return Value(element.taints, items=(element,))


def _dict_comprehension(machine: Machine, env: Environment, node: ast.DictComp) -> Value:
    inner = _generators(machine, env, node.generators)
    key, value = evaluate(machine, inner, node.key), evaluate(machine, inner, node.value)
    return Value(union((key, value)))


def _generators(
    machine: Machine, env: Environment, generators: list[ast.comprehension]
) -> Environment:
    inner = env.copy()
    for one in generators:
        iterated = evaluate(machine, inner, one.iter)
        assign_target(machine, inner, one.target, element_of(iterated), None)
        for test in one.ifs:
            evaluate(machine, inner, test)
            conditions.refine(machine, inner, test, True)
    return inner


def _lambda(machine: Machine, env: Environment, node: ast.Lambda) -> Value:
    name = f"@lambda:{node.lineno}:{node.col_offset}"
    if name not in machine.functions:
        machine.functions[name] = LocalFunction(node, env, machine.scope)
        inner = Environment(env)
        for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            inner.assign(one.arg, Value(names=frozenset({f"?{one.arg}"})))
        evaluate(machine, inner, node.body)
    return Value(names=frozenset({name}))


def _walrus(machine: Machine, env: Environment, node: ast.NamedExpr) -> Value:
    value = evaluate(machine, env, node.value)
    assign_target(machine, env, node.target, value, node.value)
    return value


def _await(machine: Machine, env: Environment, node: ast.Await) -> Value:
    return evaluate(machine, env, node.value)


def _yield(machine: Machine, env: Environment, node: ast.Yield | ast.YieldFrom) -> Value:
    if node.value is not None:
        value = evaluate(machine, env, node.value)
        machine.code.returns.append(Returned(node, value, machine.scope))
        if machine.returned:
            machine.returned[-1].append(value)
    return NOTHING


_EVALUATORS: dict[type[ast.expr], Evaluator] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: calls.evaluate_call,
    ast.BinOp: _binary,
    ast.JoinedStr: _joined_text,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Starred: _starred,
    ast.Dict: _dictionary,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Compare: _compare,
    ast.UnaryOp: _unary,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
