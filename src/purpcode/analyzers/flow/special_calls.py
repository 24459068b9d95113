"""Built-in and library functions whose result is known better than an unknown function's."""

from __future__ import annotations

import base64
from collections.abc import Callable

from purpcode.analyzers.flow.code import Call, Store
from purpcode.analyzers.flow.environment import Environment
from purpcode.analyzers.flow.lookup import attribute_names, element_of, named_value
from purpcode.analyzers.flow.machine import Machine
from purpcode.analyzers.flow.texts import LONGEST_TEXT
from purpcode.analyzers.flow.values import NOTHING, Value, joined, literal, union


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


def _attribute_maker(
    machine: Machine,  # noqa: ARG001
    env: Environment,  # noqa: ARG001
    call: Call,
) -> Value | None:
    """`operator.attrgetter("x")` and `operator.methodcaller("x", ...)`, by what they will get."""
    attribute = call.args[0].text if call.args else None
    if attribute is None:
        return None
    names = frozenset(f"{name}({attribute})" for name in call.names)
    return Value(union(call.args), names, items=call.args[1:])


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
        Store(call.node, names, None, None, value, machine.scope, call.node.args[2])
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


def _template(machine: Machine, env: Environment, call: Call) -> Value | None:  # noqa: ARG001
    """`string.Template` of a literal is that text to `substitute`."""
    one = call.args[0] if call.args else NOTHING
    return Value(names=frozenset({"string.Template()"}), const=one.text) if one.text else None


SPECIAL_CALLS: dict[str, Callable[[Machine, Environment, Call], Value | None]] = {
    "getattr": _getattr,
    "object.__getattribute__": _getattr,
    "__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "vars": _vars,
    "functools.partial": _partial,
    "operator.attrgetter": _attribute_maker,
    "operator.methodcaller": _attribute_maker,
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
    "string.Template": _template,
    "zip": _zip,
    "enumerate": _enumerate,
    "next": _next,
}
