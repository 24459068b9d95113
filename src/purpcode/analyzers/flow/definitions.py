"""Imports, functions and classes: what their names stand for, and what their parameters carry."""

from __future__ import annotations

import ast
import re

from purpcode.analyzers.flow.code import FunctionNode, Scope
from purpcode.analyzers.flow.environment import Environment
from purpcode.analyzers.flow.lookup import named_value
from purpcode.analyzers.flow.machine import LocalClass, LocalFunction, Machine
from purpcode.analyzers.flow.tree import walk
from purpcode.analyzers.flow.values import NOTHING, Taint, Value

_HARMLESS_TYPES = frozenset(
    ("int", "float", "bool", "complex", "datetime.date", "datetime.datetime", "uuid.UUID")
)
_INJECTED = ("*.Depends()", "fastapi.Depends()", "fastapi.Security()")


def import_names(machine: Machine, env: Environment, node: ast.Import | ast.ImportFrom) -> None:
    """Bind what an import statement binds."""
    canonical = machine.library.canonical
    if isinstance(node, ast.Import):
        for one in node.names:
            machine.code.imports.add(one.name)
            bound = one.name if one.asname else one.name.partition(".")[0]
            env.assign(one.asname or bound, named_value(machine, (bound,), node.lineno))
        return
    module = node.module or ""
    for one in node.names:
        name = f"{module}.{one.name}" if module and not node.level else f"?{one.name}"
        if one.name == "*":
            _import_all(env, module)
            machine.code.imports.add(module)
            continue
        machine.code.imports.add(name)
        env.assign(one.asname or one.name, named_value(machine, (canonical(name),), node.lineno))


_STAR_EXPORTS = {
    "os": ("system", "popen", "environ", "remove", "chmod", "getenv", "listdir", "path"),
    "subprocess": ("run", "call", "Popen", "check_output", "check_call", "PIPE", "getoutput"),
    "pickle": ("load", "loads", "dump", "dumps"),
    "flask": ("Flask", "request", "redirect", "render_template_string", "make_response", "session",
              "send_file", "abort", "render_template", "Markup", "escape", "jsonify"),
    "socket": ("socket", "AF_INET", "SOCK_STREAM", "create_connection"),
    "hashlib": ("md5", "sha1", "sha256", "new"),
    "random": ("random", "randint", "choice", "randrange", "sample", "choices"),
}  # fmt: skip
"""What `from x import *` brings that rules look for."""


def _import_all(env: Environment, module: str) -> None:
    for name in _STAR_EXPORTS.get(module, ()):
        env.assign(name, Value(names=frozenset({f"{module}.{name}"})))


def define_function(
    machine: Machine, env: Environment, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> None:
    """Bind a function and remember it for its calls and its own analysis."""
    defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
    for one in defaults:
        machine.evaluate(env, one)
    decorators = _decorators(machine, env, node)
    owner = machine.current_class
    path = ".".join(filter(None, (machine.scope.path, owner, node.name)))
    handler = any(machine.library.is_handler_decorator(name) for name in decorators)
    scope = Scope(path, node, handler, owner, decorators)
    static = "staticmethod" in decorators
    # A class's own names are not in scope inside its methods.
    around = env.outer if owner is not None and env.outer is not None else env
    function = LocalFunction(node, around, scope, bound=owner is not None and not static)
    machine.code.scopes.append(scope)
    if owner is not None and owner in machine.classes:
        machine.classes[owner].methods[node.name] = function
        names = frozenset({f"@{owner}().{node.name}", f"@{owner}.{node.name}"})
        machine.functions[f"@{owner}.{node.name}"] = function
    else:
        names = frozenset({f"@{path}"})
        machine.functions[f"@{path}"] = function
    env.assign(node.name, Value(names=names))


def define_class(machine: Machine, env: Environment, node: ast.ClassDef) -> Environment:
    """Bind a class; returns the environment of its body."""
    bases: list[str] = []
    for base in node.bases:
        bases += sorted(machine.evaluate(env, base).names)
    for one in node.keywords:
        machine.evaluate(env, one.value)
    for decorator in node.decorator_list:
        machine.evaluate(env, decorator)
    machine.classes[node.name] = LocalClass(node.name, node, tuple(bases))
    env.assign(node.name, Value(names=frozenset({f"@{node.name}"})))
    return Environment(env)


def _decorators(
    machine: Machine, env: Environment, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[str, ...]:
    names: list[str] = []
    for one in node.decorator_list:
        value = machine.evaluate(env, one)
        # `@app.route("/x")` is a call: its name is that of the function called.
        names += sorted(name.removesuffix("()") for name in value.names)
    return tuple(names)


def parameters(node: FunctionNode) -> list[ast.arg]:
    """All parameters in order, with `*args` and `**kwargs` last."""
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [*named, *(one for one in (given.vararg, given.kwarg) if one is not None)]


def entry_value(
    machine: Machine, function: LocalFunction, parameter: ast.arg, default: ast.expr | None
) -> Value:
    """What a parameter may hold when the function is called from outside."""
    name, line = parameter.arg, parameter.lineno
    kinds = _annotation_names(machine, function.environment, parameter.annotation)
    instance = named_value(machine, {f"{one}()" for one in kinds}, line) if kinds else NOTHING
    if name in machine.library.request_parameters or "web.request" in instance.names:
        if instance.names and "web.request" not in instance.names and name != "request":
            return instance
        return Value(names=frozenset({"web.request"}))
    if default is not None:
        given = machine.evaluate(function.environment, default)
        if given.names & set(_INJECTED):
            return instance
    aliased = named_value(machine, (f"?{name}",), line)
    names = instance.names | aliased.names
    kind = "request" if _answers_requests(function, name) else "parameter"
    taint = Taint(kind, line, f"parameter '{name}'")  # type: ignore[arg-type]
    value = Value(frozenset({taint}) | instance.taints | aliased.taints, names)
    if kinds & _HARMLESS_TYPES:
        value = value.passing(("int",))
    elif _converted(function, name):
        value = value.passing(("route.int",))
    return value.passing(_declared_tests(parameter, default))


_TESTS_BY_KEYWORD = {
    "le": "+less", "lt": "+less", "pattern": "+re.fullmatch", "regex": "+re.fullmatch",
}  # fmt: skip


def _declared_tests(parameter: ast.arg, default: ast.expr | None) -> list[str]:
    """The tests a framework makes first, as of `count: int = Query(1, le=50)`."""
    calls = [
        node
        for part in (default, parameter.annotation)
        if part is not None
        for node in walk(part)
        if isinstance(node, ast.Call)
    ]
    given = {keyword.arg for call in calls for keyword in call.keywords}
    return [token for keyword, token in _TESTS_BY_KEYWORD.items() if keyword in given]


def _answers_requests(function: LocalFunction, name: str) -> bool:
    scope = function.scope
    if scope.handler:
        return True
    arguments = [one.arg for one in parameters(function.node)]
    leading = arguments[1:] if function.bound else arguments
    if leading[:1] == ["request"]:  # a Django or aiohttp view: the rest comes from the URL
        return True
    return leading[:2] == ["event", "context"] and name == "event"


def _converted(function: LocalFunction, name: str) -> bool:
    """Whether the route gives the parameter as a number: `@app.route("/items/<int:number>")`."""
    return any(
        isinstance(one, ast.Constant)
        and isinstance(one.value, str)
        and re.search(rf"<(int|float|uuid):{re.escape(name)}>|{{{re.escape(name)}:int}}", one.value)
        for decorator in getattr(function.node, "decorator_list", ())
        if isinstance(decorator, ast.Call)
        for one in decorator.args
    )


def _annotation_names(
    machine: Machine, env: Environment, annotation: ast.expr | None
) -> frozenset[str]:
    if annotation is None:
        return frozenset()
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
    if isinstance(annotation, ast.BinOp):  # `X | None`
        left = _annotation_names(machine, env, annotation.left)
        return left | _annotation_names(machine, env, annotation.right)
    if isinstance(annotation, ast.Subscript):
        outer = _annotation_names(machine, env, annotation.value)
        if outer & {"typing.Optional", "typing.Annotated"}:
            inner = annotation.slice
            first = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
            return _annotation_names(machine, env, first)
        return outer
    if isinstance(annotation, ast.Name | ast.Attribute):
        return machine.evaluate(env, annotation).names
    return frozenset()
