"""Two interpreters calling each other over pipes: the tests' and the code under test's.

Values travel by value (`wire`); other objects stay where they are and the other side holds a
`Remote`. A `Remote` equals only another `Remote`, and only if the side that owns them says so: an
object of the code under test can never claim to equal, contain or exceed an expected value.
Runs in the sandbox.
"""

from __future__ import annotations

import builtins
import json
import operator
from collections.abc import Callable
from typing import Any, BinaryIO

from purpcode.oracles.unit_testing.wire import WireError, decode, encode

MESSAGE_CHARS = 300


class PeerLost(BaseException):
    """The other side ended or broke the protocol; no `except Exception` of a test may hide it."""


def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "getattr": getattr,
    "setattr": setattr,
    "iter": iter,
    "next": next,
    "len": len,
    "bool": bool,
    "str": str,
    "repr": repr,
    "isinstance": lambda kind, value: isinstance(value, kind),
    "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None),
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    **{
        name: getattr(operator, name)
        for name in ("eq", "lt", "le", "gt", "ge", "add", "sub", "mul")
    },
}


class Peer:
    """One end of the conversation. Messages are lines of JSON; calls nest."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._exported: dict[int, Any] = {}
        self.calls = 0
        self.errors: dict[str, type[Exception]] = {}
        """Exception classes of the other side, by name, beyond the builtin ones."""

    def ask(self, operation: str, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Have the other side apply an operation to an object of its own (or None: its module)."""
        self.calls += 1
        self._send({"do": operation, "on": self.pack([target, *args]), "named": self.pack(kwargs)})
        while True:
            message = self._receive()
            if "do" in message:
                self._serve(message)
            elif "raise" in message:
                raise self._error(message)
            else:
                _write_back(args, self.unpack(message.get("changed", ["d", []])))
                return self.unpack(message.get("value"))

    def serve_forever(self) -> None:
        """Answer the other side until it hangs up."""
        while True:
            self._serve(self._receive())

    def pack(self, value: Any) -> Any:
        """JSON form of a value, by reference where it must be."""
        return encode(value, self._export)

    def unpack(self, form: Any) -> Any:
        """Value of a JSON form; raises `PeerLost` when it is malformed."""
        try:
            return decode(form, self._resolve)
        except WireError as error:
            raise PeerLost(str(error)) from None

    def handle(self, operation: str, operands: list[Any], named: dict[str, Any]) -> Any:
        """Apply a requested operation, only to objects the other side was given and never to
        private names: a callback passed as argument must not open the way to the tests."""
        if self._exported.get(id(operands[0])) is not operands[0]:
            raise TypeError("operations reach only objects that were passed across")
        if operation.endswith("attr") and str(operands[1]).startswith("_"):
            raise AttributeError("private names cannot be reached across")
        return OPERATIONS[operation](*operands, **named)

    def _serve(self, message: dict[str, Any]) -> None:
        operands, named = self.unpack(message.get("on")), self.unpack(message.get("named"))
        before = [encode_or_none(operand) for operand in operands[1:]]
        try:
            value = self.handle(str(message.get("do")), operands, named)
            reply = {"value": self.pack(value)}
            changed = {
                index: operand
                for index, operand in enumerate(operands[1:])
                if isinstance(operand, list | dict | set | bytearray)
                and encode_or_none(operand) != before[index]
            }
            if changed:
                reply["changed"] = self.pack(changed)
        except PeerLost:
            raise
        except BaseException as error:  # sys.exit of the code under test included
            names = [kind.__name__ for kind in type(error).__mro__]
            reply = {"raise": names, "message": _message(error)}
        self._send(reply)

    def _export(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return ["yours", object.__getattribute__(value, "_key")]
        self._exported[id(value)] = value
        return ["mine", id(value)]

    def _resolve(self, tag: str, key: Any) -> Any:
        return Remote(self, key) if tag == "mine" else self._exported[key]

    def _error(self, message: dict[str, Any]) -> BaseException:
        text = str(message.get("message"))[:MESSAGE_CHARS]
        for name in map(str, message["raise"]):
            kind = self.errors.get(name) or getattr(builtins, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                try:
                    return kind(text)
                except Exception:  # a class that wants other arguments
                    continue
        return RuntimeError(f"{message['raise'][0] if message['raise'] else 'error'}: {text}")

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._writer.write(json.dumps(message).encode() + b"\n")
            self._writer.flush()
        except OSError:
            raise PeerLost("the code under test ended its process") from None

    def _receive(self) -> dict[str, Any]:
        line = self._reader.readline()
        if not line:
            raise PeerLost("the code under test ended its process")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("raise", []), list):
            raise PeerLost("the code under test broke the protocol")
        return message


def encode_or_none(value: Any) -> Any:
    """JSON form of a plain value, None for one that is not plain."""
    try:
        return encode(value)
    except WireError:
        return None


def _message(error: BaseException) -> str:
    try:
        return str(error)[:MESSAGE_CHARS]
    except Exception:
        return ""


def _write_back(args: tuple[Any, ...], changed: Any) -> None:
    """Give containers that were passed as arguments the contents the callee left in them."""
    for index, value in changed.items() if isinstance(changed, dict) else ():
        target = args[index] if isinstance(index, int) and 0 <= index < len(args) else None
        if isinstance(target, list | bytearray) and type(target) is type(value):
            target[:] = value
        elif isinstance(target, dict | set) and type(target) is type(value):
            target.clear()
            target.update(value)


class Remote:
    """An object of the other side; calling it and reading its public attributes asks that side."""

    __slots__ = ("_key", "_peer")

    def __init__(self, peer: Peer, key: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_key", key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask("setattr", self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Have the other side call the object."""
        return _ask("call", self, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and _ask("eq", self, other) is True

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_key"))

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Remote) and _ask("isinstance", self, value) is True

    def __enter__(self) -> Any:
        return _ask("enter", self)

    def __exit__(self, *_: object) -> None:
        _ask("exit", self)


def _ask(operation: str, target: Remote, *args: Any, **kwargs: Any) -> Any:
    peer: Peer = object.__getattribute__(target, "_peer")
    return peer.ask(operation, target, *args, **kwargs)


def _forward(operation: str) -> Callable[..., Any]:
    return lambda self, *args: _ask(operation, self, *args)


def _forward_between_remotes(operation: str) -> Callable[..., Any]:
    # Not with plain values: `abs(f(1) - 2) < tolerance` would then ask f's object for its verdict.
    def forward(self: Remote, other: object) -> Any:
        return _ask(operation, self, other) if isinstance(other, Remote) else NotImplemented

    return forward


for _name in ("iter", "next", "len", "bool", "str", "repr", "getitem", "setitem", "delitem"):
    setattr(Remote, f"__{_name}__", _forward(_name))
for _name in ("lt", "le", "gt", "ge", "add", "sub", "mul"):
    setattr(Remote, f"__{_name}__", _forward_between_remotes(_name))
