"""Methods of texts and mappings, whose results are known better than an unknown function's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.values import NOTHING, UNKNOWN, Value, joined, literal, union

LONGEST_TEXT = 4096
_FOLDED = frozenset(
    ("lower", "upper", "strip", "lstrip", "rstrip", "replace", "title", "swapcase", "removeprefix")
)
_KEPT = frozenset(("strip", "rstrip"))
"""Methods after which a text that was put together still begins as it did, blanks aside."""
_PUT_TOGETHER = frozenset(("format", "format_map", "join", "substitute", "safe_substitute"))


def text_method(call: Call, method: str) -> Value | None:
    """The result of a text's or mapping's method, None where it is nothing special."""
    handler = _METHODS.get(method)
    return handler(call, method) if handler else None


def _fold(call: Call, method: str) -> Value | None:
    text = call.receiver.text
    if method == "replace" and call.args and call.args[0].text:
        replaced = _replace(call)
        if replaced is not None:
            return replaced
    if text is None and method in _KEPT:
        return _kept(call, method)
    given = [one.const for one in call.args]
    if text is None or call.keywords or not all(isinstance(one, str) for one in given):
        return None
    try:
        folded = getattr(text, method)(*given)
    except (TypeError, ValueError):
        return None
    return literal(folded) if len(folded) <= LONGEST_TEXT else None


def _replace(call: Call) -> Value | None:
    """What was replaced matters to rules about quotes and line ends; outside data in the place of a
    mark makes a text that is put together."""
    receiver, filling = call.receiver, call.args[1:]
    filled = bool(union(filling))
    if not receiver.taints and not filled:
        return None
    tokens = (f".replace:{call.args[0].text}", ".replace")
    prefix = receiver.starts_with() if filled else receiver.prefix
    taints = union((receiver.passing(tokens), *filling))
    return Value(taints, built=receiver.built or filled, prefix=prefix or None)


def _put_together(call: Call, method: str) -> Value | None:
    receiver = call.receiver
    is_text = receiver.text is not None or receiver.built or method != "join"
    if not is_text and not receiver.taints:
        return None
    if method == "join":
        return _join(call)
    values = [*call.args, *call.keywords.values()]
    begin = receiver.starts_with().split("{")[0].split("$")[0]
    if not begin and receiver.starts_with().startswith("{") and call.args:
        begin = call.args[0].starts_with()
    before = receiver.starts_with().split("{")
    below = [text.rpartition("}")[2].endswith("/") for text in before]
    parts = [
        one.passing(("path.part",)) if place < len(below) and below[place] else one
        for place, one in enumerate(values)
    ]
    return Value(union((receiver, *parts)), built=True, prefix=begin or None)


def _join(call: Call) -> Value:
    parts = call.args[0] if call.args else NOTHING
    separator = call.receiver.text
    if separator is not None and parts.items is not None:
        texts: list[Any] = [one.const for one in parts.items]
        if all(isinstance(one, str) for one in texts):
            whole = separator.join(texts)
            if len(whole) <= LONGEST_TEXT and len(parts.items) != 1:
                return literal(whole)
    begin = parts.items[0].starts_with() if parts.items else None
    return Value(union((call.receiver, parts)), built=True, prefix=begin or None)


def _coded(call: Call, method: str) -> Value | None:
    """Literal texts as bytes and back."""
    const = call.receiver.const
    try:
        if method == "encode" and isinstance(const, str):
            return literal(const.encode())
        if method == "decode" and isinstance(const, bytes):
            return literal(const.decode())
    except UnicodeError:
        return None
    return _kept(call, method) if const is UNKNOWN else None


def _kept(call: Call, method: str) -> Value | None:
    """A text that was put together, and still begins as it did."""
    receiver = call.receiver
    if not receiver.built or not receiver.taints:
        return None
    prefix = receiver.prefix.lstrip() if method == "strip" and receiver.prefix else receiver.prefix
    whole = Value(receiver.taints, built=True, prefix=prefix)
    return whole.passing((*call.names, f".{method}"))


def _get(call: Call, method: str) -> Value | None:  # noqa: ARG001
    """`{...}.get(key, default)` gives an entry or the default, never the key."""
    fields, default = call.receiver.fields, call.argument(1, "default")
    if fields is None or call.receiver.taints or not call.args:
        return None
    key = call.args[0].const
    found: Value | None = default
    wanted = [fields[key]] if isinstance(key, str) and key in fields else fields.values()
    for one in wanted:
        found = one if found is None else joined(found, one)
    return found


_METHODS: dict[str, Callable[[Call, str], Value | None]] = {
    **dict.fromkeys(_FOLDED, _fold),
    **dict.fromkeys(_PUT_TOGETHER, _put_together),
    "encode": _coded,
    "decode": _coded,
    "get": _get,
}
