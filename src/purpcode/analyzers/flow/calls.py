"""Evaluates calls: what is called, with what, and what comes of it."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable

from purpcode.analyzers.flow.code import Call, Scope, Store
from purpcode.analyzers.flow.containers import mutate
from purpcode.analyzers.flow.environment import Environment, path_of
from purpcode.analyzers.flow.lookup import attribute_names, element_of, named_value
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.naming import last_part
from purpcode.analyzers.flow.texts import LONGEST_TEXT, text_method
from purpcode.analyzers.flow.values import NOTHING, Taint, Value, joined, literal, union

_WRAPPERS = re.compile(r"(?i)request|wrap|form|serializer|parse")
"""Names of functions that give back the request's data in another dress."""
_LOOKUPS = frozenset(("get", "pop", "setdefault"))
_FIRST_ARGUMENT_CALLED = frozenset(
    ("map", "filter", "asyncio.to_thread", "functools.reduce", "anyio.to_thread.run_sync")
)


def store(
    node: ast.stmt | ast.expr,
    names: frozenset[str],
    path: str | None,
    key: object,
    value: Value,
    scope: Scope,
    source: ast.expr | None,
    key_value: Value = NOTHING,
) -> Store:
    """A store event."""
    return Store(node, names, path, key, value, scope, source, key_value)


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
    draft = Call(node, names, receiver, args, keywords, machine.scope, NOTHING, spread)
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
        special = _SPECIAL.get(name)
        if special is not None:
            value = special(machine, env, call)
            if value is not None:
                return value
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


def _outside_result(machine: Machine, call: Call) -> Value:
    """What a function outside the program gives: its result may carry all it was given."""
    given = (*call.args, *call.keywords.values())
    if isinstance(call.node.func, ast.Attribute) and call.node.func.attr in _LOOKUPS:
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
    result = machine.run(function, receiver, call)
    return result.passing((name,))


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


def _getattr(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if len(call.args) < 2:
        return None
    name = call.args[1].text
    base = call.args[0]
    if name is None:
        names = {f"{one}.?" for one in base.names}
        limited = call.args[1].prefix or call.args[1].built  # "handle_" + name
        chosen = call.args[1].passing(("getattr:limited" if limited else "getattr",))
        return Value(base.taints | chosen.taints, frozenset(names) or frozenset({"?.?"}))
    names = {machine.library.canonical(one) for one in attribute_names(base, name)}
    return named_value(machine, names, call.node.lineno, base)


def _import(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    module = call.argument(0, "name")
    if module is None or not module.text:
        return None
    machine.code.imports.add(module.text)
    name = module.text
    if "__import__" in call.names and "fromlist" not in call.keywords and len(call.args) < 4:
        name = name.partition(".")[0]
    return Value(names=frozenset({machine.library.canonical(name)}))


def _vars(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if not call.args:
        return None
    return Value(names=frozenset(f"{name}.__dict__" for name in call.args[0].names))


def _partial(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if not call.args or not call.args[0].names:
        return None
    return Value(union(call.args), call.args[0].names)


def _setattr(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if len(call.args) != 3 or call.args[1].text is None:
        return None
    names = frozenset(attribute_names(call.args[0], call.args[1].text))
    value = call.args[2]
    machine.remember_attribute(names, value)
    machine.code.stores.append(
        store(call.node, names, None, None, value, machine.scope, call.node.args[2])
    )
    return NOTHING


def _chr(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    code = call.args[0].const if call.args else None
    return literal(chr(code)) if type(code) is int and 0 <= code < 0x110000 else None


def _bytes(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    """`bytes(16)`, `bytes([1, 2])` and `bytes("text", "utf-8")` of literals."""
    if not call.args or call.spread:
        return None
    one = call.args[0]
    if type(one.const) is int and 0 <= one.const <= LONGEST_TEXT and len(call.args) == 1:
        return literal(bytes(one.const))
    if isinstance(one.const, str):
        return literal(one.const.encode("utf-8", "replace"))
    if isinstance(one.const, bytes):
        return one
    if one.items and all(type(n.const) is int and 0 <= n.const < 256 for n in one.items):
        return literal(bytes(n.const for n in one.items))
    return None


def _decoded(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    """`bytes.fromhex` and base64 decoding of literals."""
    const = call.args[0].const if len(call.args) == 1 else None
    if not isinstance(const, str | bytes) or len(const) > LONGEST_TEXT:
        return None
    hexadecimal = any("hex" in name for name in call.names)
    try:
        if hexadecimal:
            text = const if isinstance(const, str) else const.decode("ascii")
            return literal(bytes.fromhex(text))
        return literal(base64.b64decode(const))
    except ValueError:
        return None


def _text(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if len(call.args) != 1 or call.keywords:
        return None
    one = call.args[0]
    if isinstance(one.const, str):
        return one
    if type(one.const) is int:
        return literal(str(one.const))
    keep = frozenset({"pathlib.Path()"}) & one.names
    return Value(one.taints, keep, built=one.built, prefix=one.prefix).passing(("str",))


def _sequence(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    """list(x), tuple(x), sorted(x) ...: the same elements."""
    if len(call.args) != 1:
        return None
    one = call.args[0]
    return Value(one.taints, items=one.items)


def _joined_path(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    """A path below another: the parts after the first carry the token `path.part`."""
    if not call.args:
        return None
    parts = [one.passing(("path.part", *call.names)) for one in call.args[1:]]
    taints = union((call.args[0].passing(call.names), *parts))
    is_path = "pathlib.Path" in call.names
    names = frozenset({"pathlib.Path()"}) if is_path else frozenset({"os.path.join()"})
    return Value(taints, names, prefix=call.args[0].starts_with() or None)


def _dict(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if call.args or call.spread:
        return None
    return Value(union(call.keywords.values()), fields=dict(call.keywords))


def _super(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    cls = machine.classes.get(machine.scope.owner or "")
    return Value(names=frozenset(f"{base}()" for base in cls.bases)) if cls else None


def _zip(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    elements = [element_of(one) for one in call.args]
    row = Value(union(elements), items=tuple(elements))
    return Value(row.taints, items=(row,)) if elements else None


def _enumerate(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if not call.args:
        return None
    element = element_of(call.args[0])
    return Value(element.taints, items=(Value(element.taints, items=(NOTHING, element)),))


def _next(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    if not call.args or not call.args[0].items:
        return None
    value = element_of(call.args[0])
    return joined(value, call.args[1]) if len(call.args) > 1 else value


_SPECIAL: dict[str, Callable[[Machine, Environment, Call], Value | None]] = {
    "getattr": _getattr,
    "object.__getattribute__": _getattr,
    "__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "vars": _vars,
    "functools.partial": _partial,
    "setattr": _setattr,
    "chr": _chr,
    "bytes": _bytes,
    "bytearray": _bytes,
    "bytes.fromhex": _decoded,
    "bytearray.fromhex": _decoded,
    "binascii.unhexlify": _decoded,
    "base64.b64decode": _decoded,
    "str": _text,
    "list": _sequence,
    "tuple": _sequence,
    "set": _sequence,
    "sorted": _sequence,
    "reversed": _sequence,
    "iter": _sequence,
    "dict": _dict,
    "os.path.join": _joined_path,
    "pathlib.Path": _joined_path,
    "pathlib.PurePath": _joined_path,
    "super": _super,
    "zip": _zip,
    "enumerate": _enumerate,
    "next": _next,
}
