"""Runs a program abstractly: its top level, then every function as if called from outside."""

from __future__ import annotations

import ast

from purpcode.analyzers.flow import calls
from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.definitions import entry_value, parameters
from purpcode.analyzers.flow.environment import Environment
from purpcode.analyzers.flow.evaluate import evaluate
from purpcode.analyzers.flow.execute import execute
from purpcode.analyzers.flow.library import load_library
from purpcode.analyzers.flow.machine import MAX_DEPTH, LocalFunction, Machine
from purpcode.analyzers.flow.values import NOTHING, Value, joined, union


class Interpreter(Machine):
    """The machine with its parts connected."""

    def evaluate(self, env: Environment, node: ast.expr) -> Value:
        """The abstract value of an expression."""
        return evaluate(self, env, node)

    def callee_names(self, env: Environment, node: ast.Call) -> frozenset[str]:
        """The names a call's callee may be."""
        return calls.callee_names(self, env, node)

    def run(self, function: LocalFunction, receiver: Value | None, call: Call) -> Value:
        """The result of a local function for these arguments."""
        key = (
            id(function.node),
            None if receiver is None else receiver.names,
            tuple(one.signature() for one in call.args),
            tuple(sorted((k, v.signature()) for k, v in call.keywords.items())),
        )
        known = self.memory.get(key)
        if known is not None:
            return known
        path = _path(function)
        if len(self.active) >= MAX_DEPTH or path in self.active:
            return Value(union((*call.args, *call.keywords.values())))
        result = self._enter(function, _bind(self, function, receiver, call))
        self.memory[key] = result
        return result

    def run_from_outside(self, function: LocalFunction) -> None:
        """Analyse a function for parameters of which only their origin is known."""
        env = Environment(function.environment)
        defaults = _defaults(function)
        for index, one in enumerate(parameters(function.node)):
            if index == 0 and function.bound:
                env.assign(one.arg, _instance(self, function))
            else:
                env.assign(one.arg, entry_value(self, function, one, defaults.get(one.arg)))
        self._enter(function, env)

    def _enter(self, function: LocalFunction, env: Environment) -> Value:
        if isinstance(function.node, ast.Lambda):
            self.active.append(_path(function))
            try:
                return evaluate(self, env, function.node.body)
            finally:
                self.active.pop()
        outer = (self.scope, self.breaks, self.current_class)
        self.scope, self.breaks, self.current_class = function.scope, [], None
        self.active.append(function.scope.path)
        self.returned.append([])
        try:
            execute(self, env, function.node.body)
        finally:
            values = self.returned.pop()
            self.active.pop()
            self.scope, self.breaks, self.current_class = outer
        result = values[0] if values else NOTHING
        for one in values[1:]:
            result = joined(result, one)
        return result


def interpret(tree: ast.Module, text: str) -> Code:
    """Everything that a program was seen to do.

    Raises:
        TooComplex: it would take too many steps.
        RecursionError: it is nested too deeply.
    """
    machine = Interpreter(Code(tree, text), load_library())
    top = Environment()
    execute(machine, top, tree.body)
    machine.breaks.clear()
    done: set[int] = set()
    while True:
        waiting = [
            one
            for one in list(machine.functions.values())
            if id(one.node) not in done and not isinstance(one.node, ast.Lambda)
        ]
        if not waiting:
            return machine.code
        waiting.sort(key=lambda one: one.scope.name != "__init__")
        for function in waiting:
            done.add(id(function.node))
            machine.run_from_outside(function)


def _path(function: LocalFunction) -> str:
    """What a function is called while it is being run; a lambda is not the function around it."""
    node = function.node
    own = f":{node.lineno}:{node.col_offset}" if isinstance(node, ast.Lambda) else ""
    return function.scope.path + own


def _instance(machine: Machine, function: LocalFunction) -> Value:
    owner = function.scope.owner or ""
    cls = machine.classes.get(owner)
    bases = {f"{base}()" for base in cls.bases} if cls else set()
    if "classmethod" in function.scope.decorators:
        return Value(names=frozenset({f"@{owner}", "?cls"}))
    return Value(names=frozenset({f"@{owner}()", "?self", *bases}))


def _defaults(function: LocalFunction) -> dict[str, ast.expr]:
    given = function.node.args
    positional = [*given.posonlyargs, *given.args]
    pairs = zip(reversed(positional), reversed(given.defaults), strict=False)
    found = {one.arg: default for one, default in pairs}
    keyword_only = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return found | {one.arg: default for one, default in keyword_only if default is not None}


def _bind(
    machine: Machine, function: LocalFunction, receiver: Value | None, call: Call
) -> Environment:
    env = Environment(function.environment)
    names = [one.arg for one in parameters(function.node)]
    if function.bound and names:
        self_name = names.pop(0)
        env.assign(
            self_name, receiver if receiver and receiver.names else _instance(machine, function)
        )
    given = dict(zip(names, call.args, strict=False))
    given.update({key: value for key, value in call.keywords.items() if key in names})
    defaults = _defaults(function)
    spread = union((*call.args, *call.keywords.values())) if call.spread else frozenset()
    for name in names:
        if name in given:
            value = given[name]
        elif name in defaults:
            value = machine.evaluate(function.environment, defaults[name])
        else:
            value = Value(spread, frozenset({f"?{name}"}))
        env.assign(name, value)
    given_extra = call.args[len(names) :]
    star = function.node.args.vararg
    if star is not None:
        env.assign(star.arg, Value(union((*call.args, *given_extra)), items=call.args or None))
    return env
