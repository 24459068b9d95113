"""Executes statements over abstract values, following both ways of every branch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from purpcode.analyzers.flow import conditions
from purpcode.analyzers.flow.assign import assign_target
from purpcode.analyzers.flow.code import Returned
from purpcode.analyzers.flow.definitions import define_class, define_function, import_names
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.evaluate import decided
from purpcode.analyzers.flow.lookup import element_of
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.operations import added
from purpcode.analyzers.flow.tree import children, walk
from purpcode.analyzers.flow.values import NOTHING, Value, union

Executor = Callable[[Machine, Environment, Any], bool]
"""Executes one statement; False when control never gets past it."""


def execute(machine: Machine, env: Environment, body: Sequence[ast.stmt]) -> bool:
    """Execute statements in `env`; False when control never reaches their end. Code behind that
    point is not executed. Raises TooComplex."""
    for statement in body:
        machine.step()
        if not _EXECUTORS.get(type(statement), _other)(machine, env, statement):
            return False
    return True


def _other(machine: Machine, env: Environment, node: ast.stmt) -> bool:
    for one in children(node):
        if isinstance(one, ast.expr):
            machine.evaluate(env, one)
    return True


def _expression(machine: Machine, env: Environment, node: ast.Expr) -> bool:
    machine.evaluate(env, node.value)
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    if isinstance(call, ast.Call):
        if any(machine.library.never_returns(n) for n in machine.callee_names(env, call)):
            return False
        conditions.refine(machine, env, call, True)  # `validate(x)` came back without raising
    return True


def _assign(machine: Machine, env: Environment, node: ast.Assign) -> bool:
    value = machine.evaluate(env, node.value)
    for target in node.targets:
        assign_target(machine, env, target, value, node.value)
    return True


def _annotated(machine: Machine, env: Environment, node: ast.AnnAssign) -> bool:
    if node.value is not None:
        value = machine.evaluate(env, node.value)
        assign_target(machine, env, node.target, value, node.value)
    return True


def _augmented(machine: Machine, env: Environment, node: ast.AugAssign) -> bool:
    before = machine.evaluate(env, node.target)
    more = machine.evaluate(env, node.value)
    after = added(before, more) if isinstance(node.op, ast.Add) else Value(union((before, more)))
    if after.names != before.names and before.names:
        after = after.named(before.names)
    assign_target(machine, env, node.target, after, None)
    return True


def _return(machine: Machine, env: Environment, node: ast.Return) -> bool:
    value = machine.evaluate(env, node.value) if node.value is not None else NOTHING
    machine.code.returns.append(Returned(node, value, machine.scope))
    if machine.returned:
        machine.returned[-1].append(value)
    return False


def _raise(machine: Machine, env: Environment, node: ast.Raise) -> bool:
    for one in (node.exc, node.cause):
        if one is not None:
            machine.evaluate(env, one)
    return False


def _if(machine: Machine, env: Environment, node: ast.If) -> bool:
    outcome = decided(machine, machine.evaluate(env, node.test), env, node.test)
    if outcome is not None:
        return execute(machine, env, node.body if outcome else node.orelse)
    other = env.copy()
    conditions.refine(machine, env, node.test, True)
    conditions.refine(machine, other, node.test, False)
    falls = execute(machine, env, node.body)
    other_falls = execute(machine, other, node.orelse)
    if falls and other_falls:
        env.join(other)
    elif other_falls:
        env.become(other)
    return falls or other_falls


def _for(machine: Machine, env: Environment, node: ast.For | ast.AsyncFor) -> bool:
    iterated = machine.evaluate(env, node.iter)

    def bind(scope: Environment) -> None:
        assign_target(machine, scope, node.target, element_of(iterated), None)

    return _loop(machine, env, node, bind, endless=False)


def _while(machine: Machine, env: Environment, node: ast.While) -> bool:
    def bind(scope: Environment) -> None:
        machine.evaluate(scope, node.test)
        conditions.refine(machine, scope, node.test, True)

    endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    falls = _loop(machine, env, node, bind, endless=endless)
    if not endless:
        conditions.refine(machine, env, node.test, False)
    return falls


def _loop(
    machine: Machine,
    env: Environment,
    node: ast.For | ast.AsyncFor | ast.While,
    bind: Callable[[Environment], None],
    *,
    endless: bool,
) -> bool:
    """Twice round, so that what one round leaves reaches the next."""
    machine.breaks.append([])
    for _ in range(2):
        inside = env.copy()
        bind(inside)
        if execute(machine, inside, node.body):
            env.join(inside)
    left = machine.breaks.pop()
    falls = True
    if endless:
        if not left:
            return False
        env.become(left.pop())
    else:
        falls = execute(machine, env, node.orelse)
    for one in left:
        env.join(one)
    return falls or bool(left)


def _break(machine: Machine, env: Environment, node: ast.Break) -> bool:  # noqa: ARG001
    if machine.breaks:
        machine.breaks[-1].append(env.copy())
    return False


def _continue(machine: Machine, env: Environment, node: ast.Continue) -> bool:  # noqa: ARG001
    return False


def _with(machine: Machine, env: Environment, node: ast.With | ast.AsyncWith) -> bool:
    for item in node.items:
        machine.managed.add(id(item.context_expr))
        value = machine.evaluate(env, item.context_expr)
        if item.optional_vars is not None:
            assign_target(machine, env, item.optional_vars, value, item.context_expr)
    execute(machine, env, node.body)
    return True  # a context manager may swallow what would have left the block


def _try(machine: Machine, env: Environment, node: ast.Try | ast.TryStar) -> bool:
    before = env.copy()
    falls = execute(machine, env, node.body)
    risky = before.copy()
    risky.join(env)  # an exception may come before or after any statement of the body
    if falls:
        falls = execute(machine, env, node.orelse)
    for handler in node.handlers:
        caught = risky.copy()
        if handler.name:
            caught.assign(handler.name, Value(names=frozenset({"exception()"})))
        if execute(machine, caught, handler.body):
            if falls:
                env.join(caught)
            else:
                env.become(caught)
            falls = True
    if not falls and node.finalbody:
        env.join(risky)
    ends = execute(machine, env, node.finalbody)
    return falls and ends


def _match(machine: Machine, env: Environment, node: ast.Match) -> bool:
    subject = machine.evaluate(env, node.subject)
    path = path_of(node.subject)
    before, falls = env.copy(), True
    for case in _possible_cases(subject, node.cases):
        branch = before.copy()
        for one in walk(case.pattern):
            name = getattr(one, "name", None) or getattr(one, "rest", None)
            if isinstance(one, ast.MatchAs | ast.MatchStar | ast.MatchMapping) and name:
                branch.assign(name, Value(subject.taints))
        if path is not None and _only_values(case.pattern):
            branch.refine(path, ("+equals",))
        if case.guard is not None:
            machine.evaluate(branch, case.guard)
            conditions.refine(machine, branch, case.guard, True)
        if execute(machine, branch, case.body):
            env.join(branch)
        elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
            falls = falls and len(node.cases) > 1
    return falls


def _possible_cases(subject: Value, cases: list[ast.match_case]) -> list[ast.match_case]:
    """The cases a subject may reach: one, where it is a literal that meets a literal pattern."""
    if not isinstance(subject.const, str | int):
        return cases
    for case in cases:
        values = _pattern_values(case.pattern)
        if values is None or case.guard is not None:
            return cases
        if subject.const in values:
            return [case]
    return cases


def _pattern_values(pattern: ast.pattern) -> list[object] | None:
    if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant):
        return [pattern.value.value]
    if isinstance(pattern, ast.MatchOr):
        found: list[object] = []
        for one in pattern.patterns:
            values = _pattern_values(one)
            if values is None:
                return None
            found += values
        return found
    return None


def _only_values(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return all(_only_values(one) for one in pattern.patterns)
    return isinstance(pattern, ast.MatchValue | ast.MatchSingleton)


def _assert(machine: Machine, env: Environment, node: ast.Assert) -> bool:
    machine.evaluate(env, node.test)
    conditions.refine(machine, env, node.test, True)
    return True


def _delete(machine: Machine, env: Environment, node: ast.Delete) -> bool:  # noqa: ARG001
    for target in node.targets:
        path = path_of(target)
        if path is not None:
            env.values.pop(path, None)
    return True


def _import(machine: Machine, env: Environment, node: ast.Import | ast.ImportFrom) -> bool:
    import_names(machine, env, node)
    return True


def _function(
    machine: Machine, env: Environment, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    define_function(machine, env, node)
    return True


def _class(machine: Machine, env: Environment, node: ast.ClassDef) -> bool:
    inside = define_class(machine, env, node)
    outer, machine.current_class = machine.current_class, node.name
    execute(machine, inside, node.body)
    machine.current_class = outer
    for name, value in inside.values.items():
        machine.remember_attribute(frozenset({f"@{node.name}().{name}"}), value)
        env.assign(f"{node.name}.{name}", value)
    return True


_EXECUTORS: dict[type[ast.stmt], Executor] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.Assert: _assert,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
}
